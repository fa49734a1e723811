"""The fence, with real transactions side by side: a late committer is never skipped.

These tests commit. They take away what they made, and must never leave a rule behind.
"""
import time

from odoo import SUPERUSER_ID, api
from odoo.exceptions import ValidationError

from .outbox_case import TransactionCase, make_rule, tagged

# LIMIT: how long to wait for transactions of others.
FOREIGN_S_MAX = 60


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

    def pull(self):
        """What a reader gets just now: the names in the new rows, and how many are held back."""
        with self.registry.cursor() as cr:
            answer = api.Environment(cr, SUPERUSER_ID, {})['crossdock.outbox'].pull(limit=2000)
            names = [row['payload'].get('name') for row in answer['rows'] if row['id'] > self.max_id]
            return names, answer['held_back']

    def names(self):
        """The names once nothing is held back.

        Another database of the cluster may hold the fence for a while, so this one test has to wait.
        """
        end = time.monotonic() + FOREIGN_S_MAX
        while time.monotonic() < end:
            names, held_back = self.pull()
            if not held_back:
                return names
            time.sleep(0.05)
        return self.skipTest('a transaction outside of this test holds the fence')

    def test_a_late_committer_is_not_skipped(self):
        with self.registry.cursor() as early, self.registry.cursor() as late:
            self.create_partner(early, 'four')
            early.flush()
            self.create_partner(late, 'five')
            late.commit()
            with self.registry.cursor() as cr:
                cr.execute('SELECT count(*) FROM crossdock_outbox WHERE id > %s', [self.max_id])
                self.assertEqual(cr.fetchone()[0], 1, 'a reader by id alone would see five now and miss four')
            self.assertEqual(self.pull(), ([], 1))
            early.commit()
            self.assertEqual(self.names(), ['four', 'five'])

    def test_what_cannot_have_been_read_yet_is_refused(self):
        with self.registry.cursor() as early, self.registry.cursor() as late:
            early.execute('SELECT pg_current_xact_id()::text::bigint')
            running = early.fetchone()[0]
            late.execute('SELECT pg_current_xact_id()')
            late.commit()
            with self.registry.cursor() as cr:
                outbox = api.Environment(cr, SUPERUSER_ID, {})['crossdock.outbox']
                epoch = outbox.pull()['epoch']
                with self.assertRaises(ValidationError):
                    outbox.acknowledge(running, 1, epoch)
                cr.rollback()

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


@tagged('post_install', '-at_install')
class TestFenceOfSaved(TestFence):
    """The same for whole records, whose rows two transactions may have to write."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env['crossdock.rule'].browse(self.rule_ids).unlink()
            self.rule_ids = make_rule(
                env, 'saved', payload='', reading='r1',
                specification='{"name": {}, "child_ids": {"fields": {"name": {}}}}').ids
            company = self.create_partner(cr, 'Company')
            self.company_id, self.line_ids = company.id, {}
            for name in ('early', 'late'):
                line = self.create_partner(cr, name)
                line.parent_id = company
                self.line_ids[name] = line.id
        with self.registry.cursor() as cr:
            cr.execute('DELETE FROM crossdock_outbox WHERE id > %s', [self.max_id])

    def test_each_transaction_of_one_cursor_is_its_own_step(self):
        with self.registry.cursor() as cr:
            partner = self.create_partner(cr, 'first')
            cr.commit()
            partner.name = 'second'
            cr.commit()
            partner.name = 'never'
            cr.rollback()
        self.assertEqual(self.names(), ['first', 'second'])

    def test_of_lines_written_side_by_side_the_second_row_is_no_reading(self):
        with self.registry.cursor() as early, self.registry.cursor() as late:
            for cr in (early, late):
                # The snapshot is that of the first statement.
                cr.execute('SELECT 1')
            for cr, name in ((early, 'early'), (late, 'late')):
                self.rename(cr, self.line_ids[name], name + ' changed')
            late.commit()
            self.assertEqual(self.pull()[0], [], 'the row that is first has to come first')
            early.commit()
        with self.registry.cursor() as after:
            self.rename(after, self.company_id, 'Both')
        self.names()
        self.assertEqual(self.of_company(), [
            ('r1', ['early changed', 'late']),
            (None, ['early', 'late changed']),
            ('r1', ['early changed', 'late changed'])])

    def rename(self, cr, id_, name):
        api.Environment(cr, SUPERUSER_ID, {})['res.partner'].browse(id_).name = name
        cr.flush()

    def of_company(self):
        """(reading, names of the lines) of its rows."""
        with self.registry.cursor() as cr:
            found = api.Environment(cr, SUPERUSER_ID, {})['crossdock.outbox'].pull(limit=2000)['rows']
            return [(row['reading'], [child['name'] for child in row['payload']['child_ids']])
                    for row in found if row['id'] > self.max_id and row['res_id'] == self.company_id]
