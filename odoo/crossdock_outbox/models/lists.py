"""List views that are made in code, as the tag changed its name between Odoo 17 (tree) and 18 (list).

It must never be used for a form: those are equal in all versions and live in views/.
"""
from lxml.builder import E

from odoo import models


class CrossdockLists(models.AbstractModel):
    """Gives a model the list view named by `_list_columns`."""

    _name = 'crossdock.lists'
    _description = 'Crossdock: list views for every version'

    _list_columns = ()

    def _get_default_list_view(self):
        return E.list(*[E.field(name=name) for name in self._list_columns], string=self._description)

    def _get_default_tree_view(self):
        return E.tree(*[E.field(name=name) for name in self._list_columns], string=self._description)
