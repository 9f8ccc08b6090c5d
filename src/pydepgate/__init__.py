"""pydepgate scans Python packages for encoded and dangerous code before anything installs them."""

__version__ = "0.1.0"
