"""The fence, with real transactions side by side: a late committer is never skipped.

These tests commit. They take away what they made, and must never leave a rule behind.
"""
from odoo import SUPERUSER_ID, api

from .common import TransactionCase, make_rule, tagged


@tagged('post_install', '-at_install')
class TestFence(TransactionCase):
    def setUp(self):
        super().setUp()
        # This test's own transaction must not write, or it would hold the fence itself.
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.active_ids = env['crossdock.rule'].search([]).ids
            env['crossdock.rule'].search([]).write({'active': False})
            self.rule_ids = (make_rule(env, 'created') | make_rule(env, 'deleted')).ids
            self.max_id = self.last_id(cr)
        self.addCleanup(self.tidy_up)
        self.partner_ids = []

    def tidy_up(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env['crossdock.rule'].browse(self.rule_ids).unlink()
            env['res.partner'].browse(self.partner_ids).exists().unlink()
            env['crossdock.rule'].browse(self.active_ids).write({'active': True})
            cr.execute('DELETE FROM crossdock_outbox WHERE id > %s', [self.max_id])

    def last_id(self, cr):
        cr.execute('SELECT coalesce(max(id), 0) FROM crossdock_outbox')
        return cr.fetchone()[0]

    def create_partner(self, cr, name):
        partner = api.Environment(cr, SUPERUSER_ID, {})['res.partner'].create({'name': name})
        self.partner_ids.append(partner.id)
        return partner

    def names(self):
        """The names in the new rows that a reader gets just now, in their order."""
        with self.registry.cursor() as cr:
            outbox = api.Environment(cr, SUPERUSER_ID, {})['crossdock.outbox']
            answer = outbox.pull(limit=2000)
            self.assertFalse(answer['reset'])
            return [row['payload'].get('name') for row in answer['rows'] if row['id'] > self.max_id]

    def test_a_late_committer_is_not_skipped(self):
        with self.registry.cursor() as early, self.registry.cursor() as late:
            self.create_partner(early, 'four')
            early.flush()
            self.create_partner(late, 'five')
            late.commit()
            with self.registry.cursor() as cr:
                cr.execute('SELECT count(*) FROM crossdock_outbox WHERE id > %s', [self.max_id])
                self.assertEqual(cr.fetchone()[0], 1, 'a reader by id alone would see five now and miss four')
            self.assertEqual(self.names(), [])
            early.commit()
            self.assertEqual(self.names(), ['four', 'five'])

    def test_a_rollback_leaves_nothing(self):
        with self.registry.cursor() as cr:
            self.create_partner(cr, 'gone')
            cr.flush()
            cr.rollback()
            cr.commit()
        self.assertEqual(self.names(), [])

    def test_each_transaction_of_one_cursor_is_its_own_step(self):
        with self.registry.cursor() as cr:
            partner = self.create_partner(cr, 'there')
            cr.commit()
            partner.unlink()
            cr.commit()
        self.assertEqual(self.names(), ['there', 'there'])

    def test_a_failing_commit_leaves_nothing_behind_for_the_next_try(self):
        with self.registry.cursor() as cr:
            self.create_partner(cr, 'first try')
            cr.flush()
            cr.rollback()
            self.create_partner(cr, 'second try')
            cr.commit()
        self.assertEqual(self.names(), ['second try'])
