"""Run with --test-tags /crossdock_outbox, after the installation of whatever business modules there are."""
from . import test_capture
from . import test_saved
from . import test_rules
from . import test_pull
from . import test_fence
from . import test_acknowledge
from . import test_epoch
from . import test_kept
from . import test_retention
from . import test_push
from . import test_keys
from . import test_business
