"""Acknowledging: forward only, never past the fence, each reader for itself."""
from odoo.exceptions import ValidationError

from ..models.cursor import CONSUMERS_MAX
from .outbox_case import OutboxCase, tagged


@tagged('post_install', '-at_install')
class TestAcknowledge(OutboxCase):
    def setUp(self):
        super().setUp()
        self.epoch = self.outbox.pull()['epoch']

    def position(self, txid, id_, **more):
        answer = self.outbox.acknowledge(txid, id_, self.epoch, **more)
        return answer['txid'], answer['id']

    def test_a_position_never_goes_back(self):
        self.assertEqual(self.position(20, 5), (20, 5))
        self.assertEqual(self.position(20, 4), (20, 5))
        self.assertEqual(self.position(19, 900), (20, 5))
        self.assertEqual(self.position(21, 1), (21, 1))

    def test_readers_do_not_know_each_other(self):
        self.position(20, 5)
        self.assertEqual(self.position(10, 1, consumer='second'), (10, 1))
        self.assertEqual(self.position(10, 1), (20, 5))

    def test_a_position_that_no_transaction_has_reached_begins_a_new_epoch(self):
        self.position(20, 5)
        with self.assertLogs('odoo.addons.crossdock_outbox.models.epoch', 'WARNING'):
            answer = self.outbox.acknowledge(2 ** 60, 1, self.epoch)
        self.assertTrue(answer['reset'])
        self.assertNotEqual(answer['epoch'], self.epoch)

    def test_another_epoch_moves_nothing(self):
        self.position(20, 5)
        answer = self.outbox.acknowledge(30, 1, 'an epoch of the past')
        self.assertEqual(answer, {'epoch': self.epoch, 'reset': True})
        self.assertEqual(self.position(1, 1), (20, 5))

    def test_the_number_of_readers_is_limited(self):
        for number in range(CONSUMERS_MAX):
            self.position(1, 1, consumer='reader %s' % number)
        with self.assertRaises(ValidationError):
            self.position(1, 1, consumer='one more')
        self.assertEqual(self.position(2, 1, consumer='reader 3'), (2, 1))
        for name in ('', 'x' * 65, 7):
            with self.assertRaises(ValidationError):
                self.position(1, 1, consumer=name)
