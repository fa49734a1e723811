"""The outbox addon of Crossdock: an event is written with the change, or neither is."""
from . import models
from .hooks import post_init, uninstall
