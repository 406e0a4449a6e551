"""What all unit tests share."""

from hypothesis import settings

# The time of one example says more about what else the machine is doing than about the code.
settings.register_profile("penstock", deadline=None)
settings.load_profile("penstock")
