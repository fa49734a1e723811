"""Retention: nothing goes that nobody has, but for the hard limit, which is told loudly."""
from .outbox_case import OutboxCase, tagged


@tagged('post_install', '-at_install')
class TestRetention(OutboxCase):
    def setUp(self):
        super().setUp()
        self.epoch = self.outbox.pull()['epoch']
        self.settings = self.env['crossdock.settings']._one()
        self.settings.write({'retention_days': 14, 'rows_max': 1000})

    def left(self):
        self.outbox._retain()
        return self.outbox.search([], order='id').ids

    def test_only_what_is_acknowledged_and_old_is_removed(self):
        old, older_open = self.add_rows(20, 40, days=15)
        [young] = self.add_rows(21, days=13)
        self.assertEqual(self.left(), [old, older_open, young], 'nobody has anything')
        self.outbox.acknowledge(30, 1, self.epoch)
        self.assertEqual(self.left(), [older_open, young])

    def test_the_slowest_reader_decides(self):
        old, slow = self.add_rows(20, 25, days=15)
        self.outbox.acknowledge(30, 1, self.epoch)
        self.outbox.acknowledge(20, old, self.epoch, consumer='slow')
        self.assertEqual(self.left(), [slow])

    def test_what_was_pushed_goes_only_where_nobody_pulls(self):
        self.add_rows(20, days=15, state='sent')
        [open_] = self.add_rows(21, days=15)
        self.assertEqual(self.left(), [open_])
        [sent] = self.add_rows(22, days=15, state='sent')
        self.outbox.acknowledge(1, 1, self.epoch)
        self.assertEqual(self.left(), [open_, sent])

    def test_above_the_limit_the_acknowledged_go_first(self):
        ids = self.add_rows(20, 21, 22, 23)
        self.outbox.acknowledge(21, ids[1], self.epoch)
        self.settings.rows_max = 2
        with self.assertLogs('odoo.addons.crossdock_outbox.models.retention', 'WARNING') as log:
            self.assertEqual(self.left(), ids[2:])
        self.assertFalse([line for line in log.output if 'LOST' in line])
        self.assertNotIn('lost', self.outbox.pull())

    def test_above_the_limit_the_oldest_are_lost_and_the_reader_is_told(self):
        ids = self.add_rows(20, 21, 22, 23)
        self.settings.rows_max = 2
        with self.assertLogs('odoo.addons.crossdock_outbox.models.retention', 'ERROR') as log:
            self.assertEqual(self.left(), ids[2:])
        self.assertIn('LOST 2 rows', log.output[-1])
        self.assertEqual(self.outbox.pull()['lost'], {'rows': 2, 'upto': {'txid': 21, 'id': ids[1]}})
        self.assertNotIn('lost', self.outbox.pull(22, ids[2]), 'past the gap there is nothing to tell')
