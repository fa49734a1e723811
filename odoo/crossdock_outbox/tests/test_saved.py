"""The trigger `saved` with a specification: what becomes a row of the reader's own reading, and what it holds."""
import json
from contextlib import closing

from odoo.tests.common import HttpCase

from ..models import rows
from .outbox_case import OutboxCase, tagged

PARTNER = {
    'name': {}, 'city': {}, 'active': {}, 'color': {}, 'partner_latitude': {}, 'create_date': {}, 'write_date': {},
    'parent_id': {'fields': {'display_name': {}, 'ref': {}}},
    'category_id': {'fields': {'name': {}}},
    'child_ids': {'fields': {'name': {}, 'bank_ids': {'fields': {'acc_number': {}}}}},
}


class SavedCase(OutboxCase):
    def saved(self, specification=PARTNER, reading='r1', **more):
        return self.rule('saved', payload='', specification=json.dumps(specification), reading=reading, **more)

    def partner(self, name, **values):
        return self.env['res.partner'].create({'name': name, **values})

    def family(self):
        """Two companies, the first with two contacts; written in a transaction of the past."""
        company, other = self.partner('Company'), self.partner('Other')
        contacts = [self.partner(name, parent_id=company.id) for name in ('One', 'Two')]
        self.next_transaction()
        self.env.cr.execute('DELETE FROM crossdock_outbox')
        return company, other, *contacts

    def told(self):
        """{record id: payload} of the rows; a record has one."""
        self.settle()
        self.env.cr.execute('SELECT res_id, payload FROM crossdock_outbox ORDER BY txid, id')
        found = self.env.cr.fetchall()
        told = {id_: json.loads(payload) for id_, payload in found}
        self.assertEqual(len(told), len(found))
        return told

    def readings(self):
        self.settle()
        self.env.cr.execute('SELECT trigger, reading FROM crossdock_outbox ORDER BY txid, id')
        return self.env.cr.fetchall()


@tagged('post_install', '-at_install')
class TestSaved(SavedCase):
    def test_what_is_made_and_written_several_times_gives_one_row_with_the_values_at_the_end(self):
        self.saved({'name': {}, 'city': {}})
        partner = self.partner('Before')
        self.settle()  # as a savepoint would
        partner.name = 'Between'
        partner.city = 'Ulm'
        self.settle()
        partner.name = 'After'
        self.assertEqual(self.told(), {partner.id: {'id': partner.id, 'name': 'After', 'city': 'Ulm'}})
        self.assertEqual(self.readings(), [('saved', 'r1')])

    def test_each_transaction_gives_a_row_of_its_own(self):
        self.saved({'name': {}})
        partner = self.partner('A')
        for name in ('B', 'C'):
            self.next_transaction()
            partner.name = name
        self.settle()
        self.assertEqual([payload['name'] for _type, _id, payload in self.rows()], ['A', 'B', 'C'])

    def test_a_column_that_is_not_read_counts_too(self):
        _company, other, *_contacts = self.family()
        self.saved({'name': {}})
        other.function = 'Buyer'
        self.assertEqual(list(self.told()), [other.id])

    def test_the_moment_of_writing_is_right_though_only_a_computed_column_was_written(self):
        company, _other, one, _two = self.family()
        self.saved({'write_date': {}, 'complete_name': {}})
        self.rule('changed', watched='complete_name', payload='write_date')
        self.assertTrue(one.write_date)  # it is in the cache from here on
        company.name = 'Renamed'
        self.settle()
        moments = {payload['write_date'][:19].replace('T', ' ') for _type, id_, payload in self.rows() if id_ == one.id}
        self.env.cr.execute('SELECT write_date FROM res_partner WHERE id = %s', [one.id])
        self.assertEqual(moments, {str(self.env.cr.fetchone()[0])[:19]})

    def test_a_list_of_other_records_counts_though_it_is_no_column(self):
        company, *_others = self.family()
        self.saved({'category_id': {'fields': {'name': {}}}})
        category = self.env['res.partner.category'].create({'name': 'Gold'})
        company.category_id = [(4, category.id)]
        self.assertEqual(self.told()[company.id]['category_id'], [{'id': category.id, 'name': 'Gold'}])

    def test_without_a_specification_the_payload_is_of_the_fields_and_the_reading_is_none(self):
        self.rule('saved', payload='name')
        partner = self.partner('A')
        payload = self.told()[partner.id]
        self.assertEqual((payload['name'], payload['_trigger']), ('A', 'saved'))
        self.assertEqual(self.readings(), [('saved', None)])

    def test_what_is_rolled_back_gives_nothing(self):
        _company, other, one, _two = self.family()
        self.saved()
        other.city = 'Ulm'
        with closing(self.env.cr.savepoint()):
            one.city = 'Bonn'
            never = self.partner('Never')
            self.assertLess({other.id, one.id, never.id}, set(self.told()))
        self.assertEqual(list(self.told()), [other.id])

    def test_a_domain_narrows_it(self):
        company, other, *_contacts = self.family()
        self.saved(domain="[('name', '=', 'Other')]")
        (company | other).city = 'Ulm'
        self.assertEqual(list(self.told()), [other.id])

    def test_pull_tells_trigger_and_reading(self):
        self.saved({'name': {}})
        self.rule('created')
        self.partner('A')
        self.next_transaction()
        told = [(row['trigger'], row['reading']) for row in self.outbox.pull()['rows']]
        self.assertEqual(told, [('saved', 'r1'), ('created', None)])

    def test_a_deletion_is_told_by_a_rule_with_a_specification(self):
        company, *_others = self.family()
        self.saved()
        self.rule('deleted', payload='', specification=json.dumps({'name': {}}), reading='r1')
        id_ = company.id
        company.child_ids.unlink()
        self.next_transaction()
        self.env.cr.execute('DELETE FROM crossdock_outbox')
        company.unlink()
        self.assertEqual(list(self.told()), [id_])
        self.assertEqual([trigger for trigger, _reading in self.readings()], ['deleted'])


@tagged('post_install', '-at_install')
class TestShownBelow(SavedCase):
    def setUp(self):
        super().setUp()
        self.company, self.other, self.one, self.two = self.family()
        self.saved()

    def names_below(self, partner):
        return [child['name'] for child in self.told()[partner.id]['child_ids']]

    def test_a_line_that_changes_gives_the_row_of_its_record_and_its_own(self):
        self.one.name = 'Changed'
        self.assertEqual(set(self.told()), {self.one.id, self.company.id})
        self.assertEqual(self.names_below(self.company), ['Changed', 'Two'])

    def test_a_line_that_is_made_or_deleted_gives_the_row_of_its_record(self):
        self.partner('Three', parent_id=self.company.id)
        self.assertEqual(self.names_below(self.company), ['One', 'Three', 'Two'])
        self.next_transaction()
        self.env.cr.execute('DELETE FROM crossdock_outbox')
        self.two.unlink()
        self.assertEqual(list(self.told()), [self.company.id])
        self.assertEqual(self.names_below(self.company), ['One', 'Three'])

    def test_a_line_that_is_moved_gives_the_rows_of_both(self):
        self.one.parent_id = self.other
        self.assertEqual(set(self.told()), {self.one.id, self.company.id, self.other.id})
        self.assertEqual((self.names_below(self.company), self.names_below(self.other)), (['Two'], ['One']))

    def test_an_archived_line_is_still_a_line(self):
        bank = self.env['res.partner.bank'].create({'acc_number': 'A1', 'partner_id': self.one.id})
        self.next_transaction()
        self.env.cr.execute('DELETE FROM crossdock_outbox')
        bank.active = False
        [one, _two] = self.told()[self.company.id]['child_ids']
        self.assertEqual([line['id'] for line in one['bank_ids']], [bank.id])

    def test_a_line_of_a_line_gives_the_row_at_the_top(self):
        bank = self.env['res.partner.bank'].create({'acc_number': 'A1', 'partner_id': self.one.id})
        [one, _two] = self.told()[self.company.id]['child_ids']
        self.assertEqual(one['bank_ids'], [{'id': bank.id, 'acc_number': 'A1'}])
        for change in (lambda: bank.write({'acc_number': 'A2'}), bank.unlink):
            self.next_transaction()
            self.env.cr.execute('DELETE FROM crossdock_outbox')
            change()
            self.assertIn(self.company.id, self.told())

    def test_a_line_that_changes_after_a_savepoint_changes_the_row_that_is_there(self):
        self.company.city = 'Ulm'
        self.settle()
        self.one.name = 'Changed'
        self.settle()
        self.two.unlink()
        self.assertEqual(self.names_below(self.company), ['Changed'])

    def test_a_line_made_and_deleted_in_one_transaction_was_never_there(self):
        line = self.partner('Three', parent_id=self.company.id)
        self.env.flush_all()
        line.unlink()
        self.assertEqual(self.told(), {})

    def test_a_record_deleted_with_its_lines_gives_no_row(self):
        (self.one | self.two).unlink()
        self.company.unlink()
        self.assertEqual(self.told(), {})

    def test_what_a_record_only_refers_to_gives_nothing(self):
        category = self.env['res.partner.category'].create({'name': 'Gold'})
        self.one.category_id = category
        self.next_transaction()
        self.env.cr.execute('DELETE FROM crossdock_outbox')
        category.name = 'Silver'
        self.assertEqual(self.told(), {})


@tagged('post_install', '-at_install')
class TestReading(SavedCase):
    def test_a_payload_that_cannot_be_made_has_no_reading_and_stops_nobody(self):
        self.saved()

        def broken(*_args, **_kwargs):
            raise ValueError('no such luck')
        self.patch(self.registry['res.partner'], 'web_read', broken)
        with self.assertLogs('odoo.addons.crossdock_outbox.models.rows', 'ERROR'):
            partner = self.partner('A')
            [payload] = self.told().values()
        self.assertEqual((payload['id'], payload['_error']), (partner.id, 'no such luck'))
        self.assertEqual(self.readings(), [('saved', None)])

    def test_a_payload_that_is_too_long_has_no_reading(self):
        self.saved({'comment': {}})
        with self.assertLogs('odoo.addons.crossdock_outbox.models.rows', 'ERROR'):
            partner = self.partner('A', comment='x' * rows.PAYLOAD_BYTES_MAX)
            payload = self.told()[partner.id]
        self.assertEqual(payload['_error'], 'payload too long')
        self.assertEqual(self.readings(), [('saved', None)])

    def test_a_row_that_can_be_made_later_in_the_transaction_gets_its_reading_back(self):
        self.saved({'comment': {}})
        with self.assertLogs('odoo.addons.crossdock_outbox.models.rows', 'ERROR'):
            partner = self.partner('A', comment='x' * rows.PAYLOAD_BYTES_MAX)
            self.settle()
        partner.comment = 'short'
        self.assertIn('short', self.told()[partner.id]['comment'])
        self.assertEqual(self.readings(), [('saved', 'r1')])

    def test_a_specification_with_a_field_that_is_gone_reads_the_rest_and_is_not_the_reading(self):
        rule = self.saved({'name': {}})
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE crossdock_rule SET specification = %s WHERE id = %s', ['{"name": {}, "gone": {}}', rule.id])
        self.env.registry.clear_cache()
        partner = self.partner('A')
        self.assertEqual(self.told(), {partner.id: {'id': partner.id, 'name': 'A'}})
        self.assertEqual(self.readings(), [('saved', None)])


@tagged('post_install', '-at_install')
class TestAsAnswered(SavedCase, HttpCase):
    def test_the_payload_is_what_odoo_answers_to_the_reader_who_asks(self):
        company, _other, one, _two = self.family()
        self.saved()
        company.write({
            'city': 'Köln "1"', 'active': True, 'color': 7, 'partner_latitude': 50.9375, 'ref': False,
            'category_id': [(0, 0, {'name': 'Gold'})]})
        self.env['res.partner.bank'].create({'acc_number': 'A1', 'partner_id': one.id, 'active': False})
        one.active = False
        told = self.told()
        self.assertLessEqual({company.id, one.id}, set(told))
        [gold] = told[company.id]['category_id']
        self.assertEqual((gold['name'], told[one.id]['city']), ('Gold', 'Köln "1"'))
        self.authenticate('admin', 'admin')
        for id_, payload in told.items():
            self.assertEqual(payload, self.asked(id_))

    def asked(self, id_):
        params = {
            'model': 'res.partner', 'method': 'web_search_read', 'args': [],
            'kwargs': {'domain': [['id', '=', id_], ['active', 'in', [True, False]]], 'specification': PARTNER,
                       'context': {'active_test': False, 'lang': 'en_US'}}}
        answer = self.url_open(
            '/web/dataset/call_kw', data=json.dumps({'jsonrpc': '2.0', 'method': 'call', 'id': 1, 'params': params}),
            headers={'Content-Type': 'application/json'})
        [record] = answer.json()['result']['records']
        return record
