"""What the tests share: rules on contacts, which every database has, and a look at the rows.

It must never need a business module; those tests are in test_business.py and skip themselves.
"""
import json
from datetime import timedelta

from odoo.tests.common import TransactionCase, new_test_user, tagged  # noqa: F401, handed on


class OutboxCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outbox = cls.env['crossdock.outbox']
        cls.rules = cls.env['crossdock.rule']
        # What is shipped or left over from another test must not mix with what a test expects.
        cls.rules.search([]).write({'active': False})
        cls.env.cr.execute('DELETE FROM crossdock_outbox')
        cls.env.cr.execute('DELETE FROM crossdock_cursor')

    def rule(self, trigger, watched='', values='', payload='name', model='res.partner', **more):
        return make_rule(self.env, trigger, watched, values, payload, model, **more)

    def settle(self):
        """What a commit does before it commits."""
        self.env.cr.flush()

    def next_transaction(self):
        """End the step, as if it had been committed: its rows are older, its memory is gone."""
        self.settle()
        self.env.cr.postcommit.data.clear()
        self.env.cr.execute('UPDATE crossdock_outbox SET txid = id WHERE txid > id')
        # Each transaction has its own moment, which goes into `write_date`.
        self.env.cr._now = self.env.cr.now() + timedelta(seconds=1)

    def rows(self):
        """(event type, record id, payload) of the rows, in their order."""
        self.env.cr.execute('SELECT event_type, res_id, payload FROM crossdock_outbox ORDER BY txid, id')
        return [(type_, id_, json.loads(payload)) for type_, id_, payload in self.env.cr.fetchall()]

    def types(self):
        return [type_ for type_, _id, _payload in self.rows()]

    def add_rows(self, *txids, state='new', days=0, res_id=None):
        """Rows as older transactions would have left them; answers their ids."""
        ids = []
        for number, txid in enumerate(txids):
            self.env.cr.execute(
                """INSERT INTO crossdock_outbox (event_id, event_type, res_model, res_id, trigger, payload, txid,
                                                 cluster, emitted_at, state, attempts)
                   VALUES (%s, 'test.row', 'res.partner', %s, 'changed', '{"id": 1}', %s,
                           (SELECT system_identifier FROM pg_control_system()),
                           now() AT TIME ZONE 'UTC' - make_interval(days => %s), %s, 0) RETURNING id""",
                ['event-%s-%s' % (txid, number), res_id or number + 1, txid, days, state])
            ids.append(self.env.cr.fetchone()[0])
        return ids


def make_rule(env, trigger, watched='', values='', payload='name', model='res.partner', **more):
    def field_ids(names):
        return env['ir.model.fields'].sudo().search([('model', '=', model), ('name', 'in', names.split())]).ids
    return env['crossdock.rule'].create({
        'event_type': 'test.%s' % trigger,
        'model_id': env['ir.model'].sudo()._get(model).id,
        'trigger': trigger,
        'watched_field_ids': [(6, 0, field_ids(watched))],
        'reached_values': values,
        'payload_field_ids': [(6, 0, field_ids(payload))],
        **more,
    })
