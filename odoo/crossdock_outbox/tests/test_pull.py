"""Pulling: order, pages, counts, rights."""
from odoo.exceptions import AccessError, ValidationError

from .outbox_case import OutboxCase, new_test_user, tagged


@tagged('post_install', '-at_install')
class TestPull(OutboxCase):
    def test_rows_come_in_the_order_of_transaction_and_id_page_by_page(self):
        a, b, c = self.add_rows(30, 20, 30)
        first = self.outbox.pull(limit=2)
        self.assertEqual([(row['txid'], row['id']) for row in first['rows']], [(20, b), (30, a)])
        self.assertEqual((first['next'], first['has_more'], first['behind']), ({'txid': 30, 'id': a}, True, 1))
        second = self.outbox.pull(30, a, epoch=first['epoch'])
        self.assertEqual([row['id'] for row in second['rows']], [c])
        self.assertEqual((second['has_more'], second['reset']), (False, False))
        third = self.outbox.pull(30, c, epoch=first['epoch'])
        self.assertEqual((third['rows'], third['next']), ([], {'txid': 30, 'id': c}))

    def test_a_row_has_all_that_the_reader_needs(self):
        self.add_rows(20)
        answer = self.outbox.pull()
        [row] = answer['rows']
        self.assertEqual(set(row), {
            'txid', 'id', 'event_id', 'event_type', 'res_model', 'res_id', 'trigger', 'reading', 'payload',
            'emitted_at'})
        self.assertEqual(row['payload'], {'id': 1})
        self.assertRegex(row['emitted_at'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$')
        self.assertRegex(answer['now'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$')

    def test_what_this_transaction_wrote_is_held_back_and_counted(self):
        self.rule('created')
        self.env['res.partner'].create({'name': 'A'})
        self.settle()
        answer = self.outbox.pull()
        self.assertEqual((answer['rows'], answer['held_back'], answer['behind']), ([], 1, 0))

    def test_positions_that_are_none_are_refused(self):
        for wrong in ({'after_txid': -1}, {'after_id': '7'}, {'limit': 1.5}, {'after_txid': True}):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                self.outbox.pull(**wrong)

    def test_the_reader_may_pull_and_nothing_else(self):
        self.add_rows(20)
        reader = new_test_user(self.env, 'crossdock-reader', groups='base.group_user,crossdock_outbox.group_reader')
        answer = self.outbox.with_user(reader).pull()
        self.assertEqual(len(answer['rows']), 1)
        self.outbox.with_user(reader).acknowledge(20, answer['next']['id'], answer['epoch'])
        for model in ('outbox', 'rule', 'cursor', 'epoch', 'settings'):
            with self.subTest(model), self.assertRaises(AccessError):
                self.env['crossdock.' + model].with_user(reader).search_read([])
        with self.assertRaises(AccessError):
            self.outbox.with_user(reader).browse(answer['next']['id']).action_try_again()

    def test_a_plain_user_may_do_nothing(self):
        plain = new_test_user(self.env, 'crossdock-plain', groups='base.group_user')
        mine = self.outbox.with_user(plain)
        for call in (mine.pull, lambda: mine.acknowledge(1, 1, 'x'), lambda: mine.rotate_key('x', 1), mine.key_expiry):
            with self.assertRaises(AccessError):
                call()

    def test_the_manager_may_look_and_configure_but_change_no_row(self):
        [id_] = self.add_rows(20)
        manager = new_test_user(self.env, 'crossdock-manager', groups='base.group_user,crossdock_outbox.group_manager')
        row = self.outbox.with_user(manager).browse(id_)
        self.assertEqual(row.event_type, 'test.row')
        rows = self.outbox.with_user(manager)
        for call in (lambda: row.write({'payload': '{}'}), row.unlink, lambda: rows.create({})):
            with self.assertRaises(AccessError):
                call()
        self.env['crossdock.settings'].with_user(manager).search([]).url = 'https://crossdock.example'
