"""What is told of and kept from the reader is counted, and no more is said of it."""
from odoo.exceptions import AccessError

from .outbox_case import OutboxCase, new_test_user, tagged


@tagged('post_install', '-at_install')
class TestKept(OutboxCase):
    def setUp(self):
        super().setUp()
        self.reader = new_test_user(self.env, 'crossdock-reader', groups='base.group_user,crossdock_outbox.group_reader')
        self.mine = self.outbox.with_user(self.reader)
        self.other = self.env['res.company'].create({'name': 'Another'})

    def partners(self, company, *names):
        return self.env['res.partner'].create([{'name': name, 'company_id': company.id} for name in names])

    def hidden(self):
        kept = self.mine.kept_from(['res.partner'])
        return kept.get('res.partner', {}).get('hidden')

    def test_records_of_a_company_that_the_reader_has_not_are_hidden_until_it_is_given(self):
        self.rule('saved', payload='', specification='{"name": {}}', reading='r')
        before = self.hidden()
        self.partners(self.other, 'A', 'B')
        self.partners(self.reader.company_id, 'C')
        self.partners(self.other, 'D').active = False
        self.assertEqual(self.hidden(), before + 3)
        self.reader.company_ids += self.other
        self.env.invalidate_all()
        self.assertLess(self.hidden(), before + 3)

    def test_a_domain_in_the_rule_leaves_out_what_is_not_told(self):
        self.partners(self.other, 'A', 'B')
        domain = "[('company_id', '=', %s)]" % self.reader.company_id.id
        self.rule('saved', payload='', specification='{"name": {}}', reading='r', domain=domain)
        self.assertEqual(self.hidden(), 0)

    def test_a_model_without_a_rule_is_not_counted_and_one_that_may_not_be_read_is_hidden_as_a_whole(self):
        self.assertEqual(self.mine.kept_from(['res.partner', 'no.such.model']), {})
        self.rule('created', model='ir.config_parameter', payload='key')
        kept = self.mine.kept_from(['ir.config_parameter'])['ir.config_parameter']
        self.assertEqual(kept['hidden'], kept['told'])
        self.assertGreater(kept['told'], 0)

    def test_only_readers_are_told(self):
        plain = new_test_user(self.env, 'crossdock-plain', groups='base.group_user')
        with self.assertRaises(AccessError):
            self.outbox.with_user(plain).kept_from(['res.partner'])
