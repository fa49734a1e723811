"""Keys: made for the caller only, answered once, and the old ones stay valid."""
from odoo import fields
from odoo.exceptions import UserError, ValidationError

from ..models.keys import KEYS_MAX
from .outbox_case import OutboxCase, new_test_user, tagged


@tagged('post_install', '-at_install')
class TestKeys(OutboxCase):
    def setUp(self):
        super().setUp()
        self.reader = new_test_user(
            self.env, 'crossdock-reader', groups='base.group_user,crossdock_outbox.group_reader')
        self.mine = self.outbox.with_user(self.reader)

    def owner(self, key):
        return self.env['res.users.apikeys']._check_credentials(scope='rpc', key=key)

    def test_the_new_key_is_the_callers_and_the_old_one_stays_valid(self):
        first = self.mine.rotate_key('integration', 30)
        second = self.mine.rotate_key('integration', 60)
        self.assertNotEqual(first['key'], second['key'])
        self.assertEqual(self.owner(first['key']), self.reader.id)
        self.assertEqual(self.owner(second['key']), self.reader.id)

    def need_ends(self):
        if 'expiration_date' not in self.env['res.users.apikeys']._fields:
            self.skipTest('keys have no end before Odoo 18')

    def test_the_expiry_is_told_for_the_callers_keys_only(self):
        self.need_ends()
        new_test_user(self.env, 'crossdock-other', groups='base.group_user,crossdock_outbox.group_reader')
        made = [self.mine.rotate_key('late', 60), self.mine.rotate_key('soon', 30)]
        self.outbox.with_user(self.env.ref('base.user_admin')).rotate_key('not mine', 30)
        listed = self.mine.key_expiry()
        self.assertEqual([key['name'] for key in listed], ['soon', 'late'])
        self.assertEqual({key['expiration_date'] for key in listed}, {key['expiration_date'] for key in made})
        self.assertNotIn('key', listed[0])
        self.assertGreater(listed[0]['expiration_date'], fields.Datetime.now().isoformat())

    def test_odoo_decides_how_long_a_key_may_live(self):
        self.need_ends()
        with self.assertRaises(ValidationError):
            self.mine.rotate_key('for ever', 5000)

    def test_what_makes_no_sense_is_refused(self):
        for name, days in (('', 30), ('x' * 65, 30), ('x', 0), ('x', 1.5), ('x', True)):
            with self.subTest((name, days)), self.assertRaises(ValidationError):
                self.mine.rotate_key(name, days)

    def test_the_number_of_keys_is_limited(self):
        for _number in range(KEYS_MAX):
            self.mine.rotate_key('integration', 30)
        with self.assertRaises(UserError):
            self.mine.rotate_key('integration', 30)
