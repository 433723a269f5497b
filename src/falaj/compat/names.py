"""Which names of Metaflow's modules stand for which of Falaj's, and why some stand for none."""

from __future__ import annotations

from typing import Dict, Iterable, Mapping

_CARDS = (
    "Artifact Error EventsTimeline Image JSONViewer Markdown MetaflowCard MetaflowCardComponent "
    "ProgressBar PythonCode Table ValueBox VegaChart YAMLViewer get_cards"
).split()
_CLIENT = (
    "DataArtifact Flow Metaflow Run Step Task default_metadata default_namespace get_metadata "
    "get_namespace inspect_spin metadata namespace"
).split()
_PARSERS = (
    "conda_environment_yml_parser pyproject_toml_parser requirements_txt_parser yaml_parser"
).split()
_CONFIGS = ["Config", "ConfigValue", "config_expr"]
_USER_DECORATORS = (
    "FlowMutator MutableFlow MutableStep StepMutator USER_SKIP_STEP UserStepDecorator "
    "user_step_decorator"
).split()
_RUNNER = ["Runner", "ExecutingRun", "ExecutingTask", "NBRunner"]
_DEPLOYER = ["Deployer", "NBDeployer", "DeployedFlow", "TriggeredRun"]
_PARAMETERS = ["IncludeFile", "JSONType", "Parameter"]
_MULTICORE = ["MulticoreException", "parallel_imap_unordered", "parallel_map"]
_STEPS = (
    "card catch conda environment parallel pypi pytorch_parallel resources retry secrets step "
    "timeout"
).split()
_FLOWS = (
    "conda_base exit_hook project pypi_base schedule trigger trigger_on_finish package_sources"
).split()

_EXCEPTIONS: Dict[str, str] = {
    "CommandException": "falaj.compat.exceptions:CommandException",
    "ExternalCommandFailed": "falaj.compat.exceptions:ExternalCommandFailed",
    "InvalidDecoratorAttribute": "falaj.errors:DecoratorError",
    "MetaflowDataMissing": "falaj.errors:MissingBlob",
    "MetaflowException": "falaj.errors:FalajException",
    "MetaflowExceptionWrapper": "falaj.errors:ExceptionWrapper",
    "MetaflowInternalError": "falaj.errors:FalajBug",
    "MetaflowInvalidPathspec": "falaj.errors:FalajInvalidPathspec",
    "MetaflowNamespaceMismatch": "falaj.errors:FalajNamespaceMismatch",
    "MetaflowNotFound": "falaj.errors:FalajNotFound",
    "MetaflowTaggingError": "falaj.client.tagging:TaggingError",
    "MissingInMergeArtifactsException": "falaj.errors:MissingInMergeArtifactsException",
    "ParameterFieldFailed": "falaj.errors:ParameterError",
    "ParameterFieldTypeMismatch": "falaj.errors:ParameterError",
    "UnhandledInMergeArtifactsException": "falaj.errors:UnhandledInMergeArtifactsException",
}


def _of(module: str, names: Iterable[str]) -> Dict[str, str]:
    return {name: "{}:{}".format(module, name) for name in names}


_PUBLIC: Dict[str, str] = {
    **_of("falaj", _CLIENT),
    **_of("falaj", _PARSERS),
    **_of("falaj", _CONFIGS),
    **_of("falaj", _USER_DECORATORS),
    **_of("falaj", _RUNNER[::3]),
    **_of("falaj", _DEPLOYER[:3]),
    **_of("falaj", _PARAMETERS),
    **_of("falaj", _MULTICORE[1:]),
    **_of("falaj", _STEPS),
    **_of("falaj", _FLOWS),
    **_of("falaj", ["FlowSpec", "current", "namespaced_event_name", "profile"]),
    "JSONTypeClass": "falaj.authoring.declarations:JSONTypeClass",
    "__version__": "falaj.version:VERSION",
}

# Module by module, the names that flows and Metaflow's public documents import, with the place of
# what stands for each: `module:name`.
MODULES: Mapping[str, Mapping[str, str]] = {
    "metaflow": _PUBLIC,
    "metaflow.cards": {
        **_of("falaj.cards", _CARDS),
        "BlankCard": "falaj.cards:BlankCard",
        "DefaultCard": "falaj.cards:DefaultCard",
        "ErrorCard": "falaj.cards:ErrorCard",
    },
    "metaflow.client": _of("falaj", _CLIENT),
    "metaflow.client.core": {
        **_of("falaj", _CLIENT),
        "Metadata": "falaj.client.metadata:Metadata",
        "MetaflowCode": "falaj.client.code:FalajCode",
        "MetaflowData": "falaj.client.artifacts:ArtifactData",
        "MetaflowObject": "falaj.client.objects:ClientObject",
    },
    "metaflow.events": _of("falaj", ["MetaflowEvent", "Trigger"]),
    "metaflow.exception": _EXCEPTIONS,
    "metaflow.flowspec": {
        "FlowSpec": "falaj:FlowSpec",
        "InvalidNextException": "falaj.errors:InvalidNextException",
    },
    "metaflow.graph": _of("falaj.authoring.flowgraph", ["FlowGraph"]),
    "metaflow.includefile": _of("falaj", ["IncludeFile"]),
    "metaflow.integrations": {},
    "metaflow.metaflow_current": _of("falaj", ["current"]),
    "metaflow.metaflow_profile": _of("falaj", ["profile"]),
    "metaflow.metaflow_version": {"get_version": "falaj.version:get_version"},
    "metaflow.multicore_utils": _of("falaj.multicore", _MULTICORE),
    "metaflow.packaging_sys": _of("falaj", ["ContentType"]),
    "metaflow.parameters": {
        **_of("falaj", ["JSONType", "Parameter"]),
        "JSONTypeClass": "falaj.authoring.declarations:JSONTypeClass",
        "ParameterContext": "falaj.authoring.conversion:ParameterContext",
    },
    "metaflow.datastore": {},
    "metaflow.datastore.exceptions": _of("falaj.errors", ["UnpicklableArtifactException"]),
    "metaflow.plugins": {},
    "metaflow.plugins.cards": {},
    "metaflow.plugins.cards.card_client": _of(
        "falaj.cards", ["Card", "CardContainer", "get_cards"]
    ),
    "metaflow.plugins.cards.card_modules": _of(
        "falaj.cards", ["MetaflowCard", "MetaflowCardComponent"]
    ),
    "metaflow.plugins.cards.card_modules.basic": _of(
        "falaj.cards", ["BlankCard", "DefaultCard", "ErrorCard"]
    ),
    "metaflow.plugins.cards.card_modules.card": _of(
        "falaj.cards", ["MetaflowCard", "MetaflowCardComponent"]
    ),
    "metaflow.plugins.cards.card_modules.components": _of(
        "falaj.cards", [name for name in _CARDS if name[0].isupper() and "MetaflowCard" not in name]
    ),
    "metaflow.plugins.cards.exception": {
        "CardClassFoundException": "falaj.errors:NoSuchCard",
        "CardNotPresentException": "falaj.errors:NoSuchCard",
        "IncorrectArgumentException": "falaj.errors:NoSuchCard",
        "IncorrectPathspecException": "falaj.errors:FalajInvalidPathspec",
        "TaskNotFoundException": "falaj.errors:FalajNotFound",
        "UnrenderableCardException": "falaj.errors:CardError",
    },
    "metaflow.plugins.catch_decorator": _of("falaj.errors", ["FailureHandledByCatch"]),
    "metaflow.plugins.package_sources": _of("falaj", ["package_sources"]),
    "metaflow.plugins.package_suffixes_mutator": _of("falaj", ["package_suffixes"]),
    "metaflow.plugins.parsers": _of("falaj", _PARSERS),
    "metaflow.plugins.secrets": {},
    "metaflow.plugins.secrets.secrets_func": _of("falaj", ["get_secret"]),
    "metaflow.plugins.timeout_decorator": _of("falaj.errors", ["TimeoutException"]),
    "metaflow.runner": {},
    "metaflow.runner.deployer": _of("falaj", _DEPLOYER),
    "metaflow.runner.metaflow_runner": _of("falaj", _RUNNER[:3]),
    "metaflow.runner.nbdeploy": _of("falaj", ["NBDeployer"]),
    "metaflow.runner.nbrun": _of("falaj", ["NBRunner"]),
    "metaflow.user_configs": {},
    "metaflow.user_configs.config_parameters": _of("falaj", _CONFIGS),
    "metaflow.user_decorators": {},
    "metaflow.user_decorators.mutable_flow": _of("falaj", ["MutableFlow"]),
    "metaflow.user_decorators.mutable_step": _of("falaj", ["MutableStep"]),
    "metaflow.user_decorators.user_flow_decorator": _of("falaj", ["FlowMutator"]),
    "metaflow.user_decorators.user_step_decorator": _of(
        "falaj", ["StepMutator", "USER_SKIP_STEP", "UserStepDecorator", "user_step_decorator"]
    ),
}

_CLUSTER = "steps run on this machine; executors for clusters come later"
_STORE = "object stores are not there yet; read them with their own client"
_SCHEDULER = "flows are not handed to another scheduler"
_PICKLED = "artifacts are pickled; a class says by __reduce__ how it is stored"
_INSIDE = "it is a part of Metaflow's own machinery"
_EXTENSION = "it is an extension of Metaflow's, not a part of it"
_MACHINERY = (
    "EXT_PKG FlowSpecMeta PageComponent airflow_internal argo_workflows_internal cli cli_args "
    "cmd_with_io debug env_escape event_logger extension_support lint meta_files metadata_provider "
    "metaflow_environment metaflow_git mflog monitor package procpoll pylint_wrapper "
    "sidecar step_functions_internal system_context tagging_util tracing tuple_util "
    "unbounded_test_foreach_internal util vendor version"
).split()
_EXTENSIONS = (
    "checkpoint deepspeed gpu_profile huggingface_hub metaflow_ray model mpi slurm tensorflow "
    "torchrun"
).split()
# Names that Metaflow has and Falaj has not, with the reason.
ABSENT: Mapping[str, str] = {
    **dict.fromkeys(_MACHINERY, _INSIDE),
    **dict.fromkeys(_EXTENSIONS, _EXTENSION),
    "ArgoEvent": _SCHEDULER,
    "ArtifactSerializer": _PICKLED,
    "artifacts": _PICKLED,
    "R": "flows are written in Python",
    "S3": _STORE,
    "batch": _CLUSTER,
    "kubernetes": _CLUSTER,
    "datatools": _STORE,
    "argo": _SCHEDULER,
    "airflow": _SCHEDULER,
    "aws": _STORE,
    "gcp": _STORE,
    "azure": _STORE,
    "airflow_external_task_sensor": _SCHEDULER,
    "airflow_s3_key_sensor": _SCHEDULER,
    "unbounded_foreach": "a foreach may be of any width",
    "decorators": "own decorators are UserStepDecorator, StepMutator and FlowMutator",
    "metaflow_config": "settings are variables of the environment; see docs/reference/settings.md",
    "metaflow_config_funcs": "settings are variables; see docs/reference/settings.md",
    "MetaflowUnknownUser": "every user has a name in Falaj",
    "METAFLOW_EXIT_ALLOW_RETRY": _INSIDE,
    "METAFLOW_EXIT_DISALLOW_RETRY": _INSIDE,
}
