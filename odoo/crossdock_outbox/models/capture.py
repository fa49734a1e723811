"""Where the changes are seen: the lowest places of the ORM that every change passes.

A state that is computed and stored (that of a transfer) never passes through write(), but it does reach
the row through `_write_multi`; so the hooks are there. Direct SQL is not seen, nor is what PostgreSQL
deletes by cascade. It must never raise because of a rule, and cost a model without rules one look.
"""
from odoo import models

from . import steps


class Base(models.AbstractModel):
    _inherit = 'base'

    def _create(self, data_list):
        records = super()._create(data_list)
        watch = watch_of(self)
        if watch:
            steps.created(records)
        return records

    def _write_multi(self, vals_list):
        """Odoo 18 and later."""
        watch = self._ids and watch_of(self)
        if watch:
            steps.before_write(self, watch, vals_list)
        return super()._write_multi(vals_list)

    def _write(self, vals):
        """Odoo 17; later versions come through `_write_multi` anyway."""
        watch = not hasattr(models.BaseModel, '_write_multi') and self._ids and watch_of(self)
        if watch:
            steps.before_write(self, watch, [vals])
        return super()._write(vals)

    def unlink(self):
        watch = self._ids and watch_of(self)
        if not watch:
            return super().unlink()
        steps.before_unlink(self, watch)
        result = super().unlink()
        steps.unlinked(self)
        return result


def watch_of(model):
    """The model's Watch, or nothing; nothing too while this module is not loaded whole."""
    if 'crossdock_outbox' not in model.pool._init_modules:
        return None
    return model.env['crossdock.rule']._watches().get(model._name)
