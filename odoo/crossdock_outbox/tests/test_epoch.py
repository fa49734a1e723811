"""Epochs: a change of the numbering is noticed, told, and loses nothing."""
from .outbox_case import OutboxCase, tagged


@tagged('post_install', '-at_install')
class TestEpoch(OutboxCase):
    def setUp(self):
        super().setUp()
        self.epoch = self.outbox.pull()['epoch']

    def read_with(self, reading):
        self.env.cr.execute('UPDATE crossdock_outbox SET reading = %s, snapshot = %s', [reading, '1:1:'])

    def pull_in_new_epoch(self, place=500):
        """Pull with the old epoch, see the reset, and answer the new epoch and all that a reader gets in it."""
        with self.assertLogs('odoo.addons.crossdock_outbox.models.epoch', 'WARNING'):
            answer = self.outbox.pull(place, 1, epoch=self.epoch)
        self.assertTrue(answer['reset'])
        self.assertNotEqual(answer['epoch'], self.epoch)
        self.assertEqual((answer['rows'], answer['next']), ([], {'txid': 0, 'id': 0}))
        rows = self.outbox.pull(epoch=answer['epoch'])
        self.assertFalse(rows['reset'])
        return [row['id'] for row in rows['rows']]

    def test_a_restore_into_another_cluster_gives_again_what_was_not_acknowledged(self):
        old, acknowledged, open_ = self.add_rows(300, 400, 500)
        self.outbox.acknowledge(400, acknowledged, self.epoch)
        # As after a restore: the rows and the epoch tell of another cluster, new rows of this one.
        self.env.cr.execute('UPDATE crossdock_outbox SET cluster = 7')
        self.env.cr.execute('UPDATE crossdock_epoch SET cluster = 7')
        [written_since] = self.add_rows(35)
        self.assertEqual(self.pull_in_new_epoch(), [open_, written_since], 'the older first')
        self.assertNotIn(old, self.pull_ids())

    def test_ids_from_the_future_are_all_given_again(self):
        known, future = self.add_rows(300, 2 ** 60)
        self.outbox.env.cr.execute(
            "INSERT INTO crossdock_cursor (consumer, txid, row_id) VALUES ('crossdock', 300, %s)", [known])
        self.assertEqual(self.pull_in_new_epoch(), [known, future])

    def test_a_copy_of_the_database_has_an_epoch_of_its_own_and_its_rows_are_names(self):
        acknowledged, open_ = self.add_rows(300, 400)
        self.read_with('r1')
        self.outbox.acknowledge(300, acknowledged, self.epoch)
        self.env['ir.config_parameter'].set_param('database.uuid', 'another')
        self.env.flush_all()
        self.assertEqual(self.pull_in_new_epoch(), [open_])
        self.assertEqual([row['reading'] for row in self.outbox.pull()['rows']], [None])

    def test_a_reader_that_is_further_than_the_cluster_finds_it_put_back(self):
        acknowledged, open_ = self.add_rows(300, 400)
        self.read_with('r1')
        self.outbox.acknowledge(300, acknowledged, self.epoch)
        # Nothing that is stored tells: identifier and uuid are the same, and all rows are of the past.
        self.assertFalse(self.outbox.pull(500, 1, epoch=self.epoch)['reset'])
        self.assertEqual([row['reading'] for row in self.outbox.pull()['rows']], ['r1', 'r1'])
        self.assertEqual(self.pull_in_new_epoch(place=2 ** 60), [open_])
        self.assertEqual([row['reading'] for row in self.outbox.pull()['rows']], [None])

    def test_a_place_of_another_epoch_or_of_none_says_nothing_about_this_one(self):
        for epoch in (None, 'an epoch of the past'):
            self.assertEqual(self.outbox.pull(2 ** 60, 1, epoch=epoch)['epoch'], self.epoch)

    def test_positions_start_again_with_the_epoch(self):
        self.outbox.acknowledge(300, 1, self.epoch)
        self.env['ir.config_parameter'].set_param('database.uuid', 'another')
        self.env.flush_all()
        self.pull_in_new_epoch()
        cursor = self.env['crossdock.cursor'].search([])
        self.assertEqual((cursor.txid, cursor.row_id), (0, 0))

    def pull_ids(self):
        return [row['id'] for row in self.outbox.pull()['rows']]
