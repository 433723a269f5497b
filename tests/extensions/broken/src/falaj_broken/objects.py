"""Objects that are not what their entry points say."""

NUMBER = 42


class Future:
    """Written for an interface that is not there yet."""

    falaj_api = 99


class Mute:
    """Lacks the method of a notifier."""

    def __init__(self, target):
        self.target = target
