"""What becomes an event, and what does not."""
import re
from contextlib import closing

from .outbox_case import OutboxCase, tagged


@tagged('post_install', '-at_install')
class TestCapture(OutboxCase):
    def test_a_new_record_gives_one_event_with_its_final_values(self):
        self.rule('created', payload='name city')
        partner = self.env['res.partner'].create({'name': 'Before'})
        partner.name = 'After'
        partner.city = 'Ulm'
        self.settle()
        [(type_, id_, payload)] = self.rows()
        self.assertEqual((type_, id_), ('test.created', partner.id))
        self.assertEqual((payload['name'], payload['city']), ('After', 'Ulm'))
        self.assertEqual(payload['id'], partner.id)
        self.assertEqual((payload['_model'], payload['_trigger']), ('res.partner', 'created'))

    def test_values_are_written_as_the_readme_says(self):
        self.rule('created', payload='name city parent_id child_ids active color partner_latitude create_date')
        parent = self.env['res.partner'].create({'name': 'Parent'})
        child = self.env['res.partner'].create({'name': 'Child', 'parent_id': parent.id})
        self.settle()
        [first, second] = [payload for _type, _id, payload in self.rows()]
        self.assertEqual(first['child_ids'], [child.id])
        self.assertIs(first['parent_id'], False)
        self.assertEqual(second['parent_id'], parent.id)
        self.assertIs(second['city'], False)
        self.assertIs(second['active'], True)
        self.assertEqual((second['color'], second['partner_latitude']), (0, 0.0))
        moment = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z')
        self.assertRegex(second['write_date'], moment)
        self.assertRegex(second['create_date'], moment)
        self.assertFalse(second['write_date'].endswith('.000000Z'), 'the microseconds are kept')

    def test_a_value_that_is_reached_gives_an_event_and_another_value_does_not(self):
        self.rule('reached', watched='type', values='invoice, delivery')
        partner = self.env['res.partner'].create({'name': 'A', 'type': 'other'})
        self.settle()
        self.assertEqual(self.types(), [])
        self.next_transaction()
        partner.type = 'delivery'
        self.settle()
        self.assertEqual(self.types(), ['test.reached'])
        self.next_transaction()
        partner.name = 'B'
        self.settle()
        self.assertEqual(len(self.rows()), 1)

    def test_a_value_written_again_unchanged_gives_nothing(self):
        partner = self.env['res.partner'].create({'name': 'A', 'city': 'Ulm'})
        self.rule('changed', watched='city')
        self.next_transaction()
        partner.write({'city': 'Ulm'})
        self.settle()
        self.assertEqual(self.types(), [])

    def test_there_and_back_within_a_transaction_gives_nothing(self):
        partner = self.env['res.partner'].create({'name': 'A', 'city': 'Ulm'})
        self.rule('changed', watched='city')
        self.next_transaction()
        partner.city = 'Bonn'
        self.settle()  # as a savepoint would
        self.assertEqual(self.types(), ['test.changed'])
        partner.city = 'Ulm'
        self.settle()
        self.assertEqual(self.types(), [])

    def test_two_writes_and_a_savepoint_still_give_one_event_with_the_last_value(self):
        partner = self.env['res.partner'].create({'name': 'A', 'city': 'Ulm'})
        self.rule('changed', watched='city', payload='name city')
        self.next_transaction()
        partner.city = 'Bonn'
        with self.env.cr.savepoint():
            partner.name = 'B'
        partner.city = 'Kiel'
        partner.name = 'C'
        self.settle()
        [(_type, _id, payload)] = self.rows()
        self.assertEqual((payload['city'], payload['name']), ('Kiel', 'C'))

    def test_a_savepoint_rolled_back_takes_its_events_and_no_others(self):
        one, two = self.env['res.partner'].create([{'name': 'A'}, {'name': 'B'}])
        self.rule('changed', watched='city')
        self.next_transaction()
        one.city = 'Ulm'
        with closing(self.env.cr.savepoint()):
            two.city = 'Bonn'
            self.settle()
            self.assertEqual(len(self.rows()), 2)
        self.settle()
        self.assertEqual([id_ for _type, id_, _payload in self.rows()], [one.id])
        two.city = 'Kiel'
        self.settle()
        self.assertEqual([id_ for _type, id_, _payload in self.rows()], [one.id, two.id])

    def test_a_computed_and_stored_value_gives_an_event_though_nobody_wrote_it(self):
        parent = self.env['res.partner'].create({'name': 'Parent', 'is_company': True})
        child = self.env['res.partner'].create({'name': 'Child', 'parent_id': parent.id, 'type': 'contact'})
        self.rule('changed', watched='complete_name', payload='complete_name')
        self.next_transaction()
        parent.name = 'Renamed'
        self.settle()
        names = {id_: payload['complete_name'] for _type, id_, payload in self.rows()}
        self.assertEqual(names, {parent.id: 'Renamed', child.id: 'Renamed, Child'})

    def test_a_deletion_gives_the_last_values(self):
        partner = self.env['res.partner'].create({'name': 'A', 'city': 'Ulm'})
        self.rule('deleted', payload='name city')
        self.next_transaction()
        partner.city = 'Bonn'
        id_ = partner.id
        partner.unlink()
        self.settle()
        [(type_, res_id, payload)] = self.rows()
        self.assertEqual((type_, res_id), ('test.deleted', id_))
        self.assertEqual((payload['city'], payload['_trigger']), ('Bonn', 'deleted'))

    def test_a_record_made_and_deleted_in_one_transaction_was_never_there(self):
        self.rule('created')
        self.rule('deleted')
        partner = self.env['res.partner'].create({'name': 'A'})
        self.settle()
        self.assertEqual(self.types(), ['test.created'])
        partner.unlink()
        self.settle()
        self.assertEqual(self.types(), [])

    def test_the_rules_of_a_record_fire_once_each_in_the_order_of_the_rules(self):
        self.rule('created')
        self.rule('reached', watched='type', values='delivery')
        self.env['res.partner'].create({'name': 'A', 'type': 'delivery'})
        self.settle()
        self.assertEqual(self.types(), ['test.created', 'test.reached'])

    def test_a_domain_is_asked_at_the_end_of_the_transaction(self):
        self.rule('created', domain="[('city', '=', 'Ulm')]")
        one, _two = self.env['res.partner'].create([{'name': 'A'}, {'name': 'B'}])
        one.city = 'Ulm'
        self.settle()
        self.assertEqual([id_ for _type, id_, _payload in self.rows()], [one.id])

    def test_a_model_without_rules_writes_nothing_and_asks_nothing(self):
        self.rule('created')
        category = self.env['res.partner.category'].create({'name': 'A'})
        category.name = 'B'
        self.env.flush_all()
        with self.assertQueryCount(1):  # the UPDATE itself
            category.name = 'C'
            self.settle()
        category.unlink()
        self.settle()
        self.assertEqual(self.types(), [])

    def test_a_payload_that_cannot_be_made_stops_nobody(self):
        self.rule('created')
        partner_class = self.registry['res.partner']

        def broken(*_args, **_kwargs):
            raise ValueError('no such luck')
        self.patch(partner_class, 'read', broken)
        with self.assertLogs('odoo.addons.crossdock_outbox.models.rows', 'ERROR'):
            partner = self.env['res.partner'].create({'name': 'A'})
            self.settle()
        [(_type, id_, payload)] = self.rows()
        self.assertEqual((id_, payload['id'], payload['_error']), (partner.id, partner.id, 'no such luck'))
