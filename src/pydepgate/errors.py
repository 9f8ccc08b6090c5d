"""Errors that end a scan, each with a message a person can act on."""


class PydepgateError(Exception):
    """Base of all errors that pydepgate raises on purpose."""


class ArtifactError(PydepgateError):
    """The target cannot be scanned: it does not exist, or is not what it claims to be."""


class RuleError(PydepgateError):
    """A rule file is wrong; the message names the file, the rule and the nearest known word."""


class UsageError(PydepgateError):
    """An option's value makes no sense."""
