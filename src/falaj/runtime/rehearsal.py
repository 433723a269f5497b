"""A recorded task executed once more, to look at it: nothing is kept of what it does."""

from __future__ import annotations

import os
from typing import Any, Optional

from falaj import home
from falaj.authoring.inputs import Inputs
from falaj.authoring.taskstate import TaskState
from falaj.model.graph import FlowDescription
from falaj.model.orders import Order
from falaj.runtime.current import set_current
from falaj.runtime.execute import _Attempt  # pyright: ignore[reportPrivateUsage]
from falaj.store.blobs import BlobStore
from falaj.store.manifests import load_manifest


class Rehearsal(_Attempt):
    """One attempt of a step, with its flow object and inputs."""

    def __init__(self, flow_class: type, description: FlowDescription, order: Order) -> None:
        """Make ready what `order` describes; `current` answers for it from now on."""
        store = BlobStore(str(order.context["store"]))
        set_current(description, order)
        os.environ[home.VARIABLE] = os.path.dirname(str(order.context["store"]))
        super().__init__(flow_class, description, order, store)

    def perform(self) -> None:
        """Run the body, without a time limit, and check how it goes on."""
        self._call_body(None)
        self._transition()
        self.state.verify()

    def restored(self, manifest: Optional[str]) -> Any:
        """Return the flow object as it was when the attempt left `manifest`."""
        if manifest is None:
            return self.flow
        inherited = load_manifest(self.state.store, manifest)
        frames, constants = self.order.frames, self.state.constants
        state = TaskState(self.state.store, inherited, frames, constants, self.order.step)
        return self._make(self.order.step, state)

    def inputs(self) -> Optional[Inputs]:
        """Return the inputs of a join; None for another step."""
        if not self.spec.is_join:
            return None
        return Inputs(self.state.store, self.order.inputs, self._make)
