"""What the rules of the outbox tell of and the reader may not see: counted, so that it is not found out by chance.

Rows are made as superuser, of every company. A reader that also reads records, to compare them or because a row came without
its values, sees what its companies and record rules leave. It must never tell more of a hidden record than that there is one.
"""
from odoo import api, models
from odoo.exceptions import AccessError

from .rule import parse_domain


class CrossdockOutbox(models.Model):
    _inherit = 'crossdock.outbox'

    @api.model
    def kept_from(self, names):
        """{model: {"told", "hidden"}} of these models that have a rule: records that it tells of, and how many of them
        are kept from the caller. Two counts for each rule; not for every beat of a reader.
        """
        self._readers_only()
        self.env.cr.execute(
            """SELECT DISTINCT model, domain FROM crossdock_rule
               WHERE active AND trigger <> 'deleted' AND model = ANY(%s)""", [list(names)])
        kept = {}
        for name, domain in self.env.cr.fetchall():
            if name not in self.env:
                continue
            told, shown = self._counted(name, parse_domain(domain))
            # LIMIT: of several rules that one counts which keeps most; what they tell together is not added up.
            if name not in kept or told - shown > kept[name]['hidden']:
                kept[name] = {'told': told, 'hidden': max(0, told - shown)}
        return kept

    @api.model
    def _counted(self, name, domain):
        records = self.env[name].with_context(active_test=False)
        told = records.sudo().search_count(domain)
        try:
            return told, records.sudo(False).search_count(domain)
        except AccessError:
            return told, 0
