"""The models, each after those it uses."""
from . import lists
from . import settings
from . import epoch
from . import rule
from . import shipped
from . import capture
from . import outbox
from . import cursor
from . import kept
from . import retention
from . import push
from . import keys
from . import buttons
