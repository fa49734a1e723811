"""Rules: what is refused, how a change of them takes effect, and those that come with the module."""
import json

from odoo.exceptions import UserError, ValidationError

from ..models.shipped import RULES
from ..models.specification import BYTES_MAX, DEPTH_MAX
from .outbox_case import OutboxCase, make_rule, new_test_user, tagged


@tagged('post_install', '-at_install')
class TestRules(OutboxCase):
    def test_what_cannot_work_is_refused(self):
        for mistake in (
            {'trigger': 'created', 'event_type': 'No Spaces'},
            {'trigger': 'created', 'model': 'crossdock.rule', 'payload': ''},
            {'trigger': 'created', 'model': 'base.language.install', 'payload': ''},
            {'trigger': 'reached', 'watched': 'type'},
            {'trigger': 'reached', 'values': 'delivery'},
            {'trigger': 'changed'},
            {'trigger': 'changed', 'watched': 'child_ids'},
            {'trigger': 'created', 'payload': 'image_1920'},
            {'trigger': 'created', 'domain': "[('nope', '=', 1)]"},
            {'trigger': 'created', 'domain': '__import__("os")'},
            {'trigger': 'saved', 'payload': '', 'reading': 'r1'},
            {'trigger': 'saved', 'payload': 'name', 'specification': '{"name": {}}'},
        ):
            with self.subTest(mistake), self.assertRaises(ValidationError):
                self.rule(**mistake)

    def test_a_manager_makes_no_rule_about_what_they_may_not_read(self):
        manager = new_test_user(self.env, 'crossdock-manager', groups='base.group_user,crossdock_outbox.group_manager')
        mine = self.env(user=manager.id)
        self.assertTrue(make_rule(mine, 'created', payload='name city'))
        self.patch(self.env['res.partner']._fields['city'], 'groups', 'base.group_system')
        for what in (
            {'model': 'ir.config_parameter', 'payload': 'value'},
            {'payload': 'name city'},
            {'domain': "[('city', '=', 'Ulm')]"},
        ):
            with self.subTest(what), self.assertRaises(ValidationError):
                make_rule(mine, 'created', **what)

    def test_a_specification_that_cannot_be_read_is_refused_with_its_place(self):
        deep = {'name': {}}
        for _level in range(DEPTH_MAX):
            deep = {'parent_id': {'fields': deep}}
        for specification, what in (
            ('nope', 'no JSON'),
            ('[]', 'no object of objects at res.partner'),
            ('{"name": true}', 'no object of objects at res.partner'),
            ('{"child_ids": {"fields": ["name"]}}', 'no object of objects at res.partner'),
            ('{"nope": {}, "child_ids": {"fields": {"nor_this": {}}}}', 'no field nope'),
            ('{"nope": {}, "child_ids": {"fields": {"nor_this": {}}}}', 'no field nor_this'),
            ('{"image_1920": {}}', 'image_1920'),
            ('{"name": {"fields": {}}}', 'name of res.partner leads to no records'),
            ('{"child_ids": {"fields": {}, "context": {"lang": "de_DE"}}}', 'Below child_ids'),
            (json.dumps(deep), 'goes deeper'),
            (json.dumps({'x' * BYTES_MAX: {}}), 'more than'),
        ):
            with self.subTest(specification[:50]), self.assertRaisesRegex(ValidationError, what):
                self.rule('saved', payload='', specification=specification)

    def test_a_manager_makes_no_specification_of_what_they_may_not_read(self):
        manager = new_test_user(self.env, 'crossdock-manager', groups='base.group_user,crossdock_outbox.group_manager')
        mine = self.env(user=manager.id)
        self.assertTrue(make_rule(mine, 'saved', payload='', specification='{"parent_id": {"fields": {"city": {}}}}'))
        self.patch(self.env['res.partner']._fields['city'], 'groups', 'base.group_system')
        for specification in ('{"city": {}}', '{"parent_id": {"fields": {"city": {}}}}'):
            with self.subTest(specification), self.assertRaisesRegex(ValidationError, 'You may not read: city'):
                make_rule(mine, 'saved', payload='', specification=specification)
        self.env['ir.model.access'].search([('model_id.model', '=', 'res.partner.category')]).active = False
        with self.assertRaisesRegex(ValidationError, 'You may not read records of res.partner.category'):
            make_rule(mine, 'saved', payload='', specification='{"category_id": {"fields": {"name": {}}}}')

    def test_a_rule_works_at_once_and_stops_at_once(self):
        rule = self.rule('created')
        self.env['res.partner'].create({'name': 'A'})
        self.settle()
        self.assertEqual(len(self.rows()), 1)
        rule.active = False
        self.env['res.partner'].create({'name': 'B'})
        self.settle()
        self.assertEqual(len(self.rows()), 1)

    def test_the_shipped_rules_are_those_of_the_models_that_exist(self):
        shipped = self.rules.with_context(active_test=False).search([('shipped_key', '!=', False)])
        self.assertEqual(set(shipped.mapped('shipped_key')), {rule[0] for rule in RULES if rule[1] in self.env})

    def test_shipping_again_makes_nothing_twice_and_keeps_what_was_edited(self):
        everything = self.rules.with_context(active_test=False)
        shipped = everything.search([('shipped_key', '!=', False)], limit=1)
        if not shipped:
            self.skipTest('no business module is installed')
        shipped.payload_field_ids = [(5, 0, 0)]
        count = everything.search_count([])
        self.rules._ship()
        self.assertEqual(everything.search_count([]), count)
        self.assertFalse(shipped.payload_field_ids)
        self.assertFalse(shipped.active)

    def test_a_field_that_arrived_since_is_added(self):
        shipped = self.rules.with_context(active_test=False).search([('shipped_key', '!=', False)], limit=1)
        if not shipped:
            self.skipTest('no business module is installed')
        arrived = shipped.payload_field_ids[:1]
        shipped.payload_field_ids -= arrived
        shipped.shipped_fields = ' '.join(name for name in shipped.shipped_fields.split() if name != arrived.name)
        self.rules._ship()
        self.assertIn(arrived, shipped.payload_field_ids)

    def test_a_shipped_rule_is_switched_off_and_not_deleted(self):
        rule = self.rule('created', shipped_key='test.shipped')
        with self.assertRaises(UserError):
            rule.unlink()
        self.rule('created').unlink()
