"""The shipped rules and buttons on the business models; each test needs its module and skips itself without."""
import json

from .outbox_case import OutboxCase, tagged


@tagged('post_install', '-at_install')
class TestBusiness(OutboxCase):
    def setUp(self):
        super().setUp()
        self.rules.with_context(active_test=False).search([('shipped_key', 'not in', (
            False, 'odoo.stock.move.done', 'odoo.stock.quant.created', 'odoo.stock.quant.changed',
            'odoo.stock.quant.deleted'))]).write({'active': True})

    def need(self, *models):
        for model in models:
            if model not in self.env:
                self.skipTest('%s is not installed' % model)

    def product(self):
        values = {'name': 'Bolt', 'list_price': 10.0}
        if 'is_storable' in self.env['product.product']._fields:
            values['is_storable'] = True
        elif 'detailed_type' in self.env['product.product']._fields:
            values['detailed_type'] = 'product'
        return self.env['product.product'].create(values)

    def order(self):
        return self.env['sale.order'].create({
            'partner_id': self.env['res.partner'].create({'name': 'Customer'}).id,
            'client_order_ref': 'EXT-1',
            'order_line': [(0, 0, {'product_id': self.product().id, 'product_uom_qty': 2})],
        })

    def of(self, type_):
        return [payload for each, _id, payload in self.rows() if each == type_]

    def test_an_order_is_created_confirmed_and_cancelled(self):
        self.need('sale.order')
        order = self.order()
        self.next_transaction()
        [payload] = self.of('odoo.sale.order.created')
        self.assertEqual((payload['client_order_ref'], payload['order_line']), ('EXT-1', order.order_line.ids))
        order.action_confirm()
        self.next_transaction()
        [payload] = self.of('odoo.sale.order.confirmed')
        self.assertEqual((payload['state'], payload['partner_id']), ('sale', order.partner_id.id))
        order.with_context(disable_cancel_warning=True).action_cancel()
        self.next_transaction()
        self.assertEqual(len(self.of('odoo.sale.order.cancelled')), 1)

    def test_an_order_is_told_whole_when_only_a_line_of_it_changes_or_goes(self):
        self.need('sale.order')
        order = self.order()
        order.write({'order_line': [(0, 0, {'product_id': self.product().id, 'product_uom_qty': 1})]})
        self.next_transaction()
        self.env.cr.execute('DELETE FROM crossdock_outbox')
        first, second = order.order_line
        self.rule('saved', model='sale.order', payload='', reading='r1', specification=json.dumps(
            {'state': {}, 'order_line': {'fields': {'name': {}, 'product_uom_qty': {}}}}))
        first.name = 'Another text'
        self.next_transaction()
        second.unlink()
        self.next_transaction()
        order.action_confirm()
        self.next_transaction()
        told = [(payload['state'], [line['name'] for line in payload['order_line']])
                for payload in self.of('test.saved')]
        self.assertEqual([len(lines) for _state, lines in told], [2, 1, 1])
        self.assertEqual([state for state, _lines in told], ['draft', 'draft', 'sale'])
        self.assertEqual([lines[0] for _state, lines in told], ['Another text'] * 3)

    def test_a_transfer_is_assigned_and_done_with_its_date(self):
        self.need('sale.order', 'stock.picking')
        order = self.order()
        self.env['stock.quant']._update_available_quantity(
            order.order_line.product_id, order.warehouse_id.lot_stock_id, 10)
        order.action_confirm()
        self.next_transaction()
        picking = order.picking_ids
        self.assertEqual(len(self.of('odoo.stock.picking.assigned')), 1, 'its state is computed, not written')
        picking.move_ids.write({'picked': True})
        picking.button_validate()
        self.next_transaction()
        [payload] = self.of('odoo.stock.picking.done')
        self.assertEqual((payload['name'], payload['state'], payload['sale_id']), (picking.name, 'done', order.id))
        self.assertTrue(payload['date_done'], 'it is set after the state, and must be there all the same')

    def test_stock_that_changes_is_told_if_asked_for(self):
        self.need('stock.quant')
        self.rules.with_context(active_test=False).search(
            [('shipped_key', '=', 'odoo.stock.quant.changed')]).active = True
        location = self.env['stock.warehouse'].search([], limit=1).lot_stock_id
        product = self.product()
        self.env['stock.quant']._update_available_quantity(product, location, 10)
        self.next_transaction()
        self.assertEqual(self.of('odoo.stock.quant.changed'), [])
        self.env['stock.quant']._update_available_quantity(product, location, 5)
        self.next_transaction()
        self.assertEqual([payload['quantity'] for payload in self.of('odoo.stock.quant.changed')], [15.0])

    def test_a_purchase_is_confirmed_cancelled_and_deleted(self):
        self.need('purchase.order')
        purchase = self.env['purchase.order'].create({
            'partner_id': self.env['res.partner'].create({'name': 'Vendor'}).id,
            'order_line': [(0, 0, {'product_id': self.product().id, 'product_qty': 2, 'price_unit': 5})],
        })
        self.next_transaction()
        purchase.button_confirm()
        self.next_transaction()
        self.assertEqual(len(self.of('odoo.purchase.order.confirmed')), 1)
        purchase.button_cancel()
        self.next_transaction()
        name = purchase.name
        purchase.unlink()
        self.next_transaction()
        self.assertEqual(len(self.of('odoo.purchase.order.cancelled')), 1)
        self.assertEqual([payload['name'] for payload in self.of('odoo.purchase.order.deleted')], [name])

    def test_a_production_order_is_confirmed_and_done(self):
        self.need('mrp.production')
        made, part = self.product(), self.product()
        bom = self.env['mrp.bom'].create({
            'product_tmpl_id': made.product_tmpl_id.id, 'product_qty': 1,
            'bom_line_ids': [(0, 0, {'product_id': part.id, 'product_qty': 1})]})
        order = self.env['mrp.production'].create({'product_id': made.id, 'product_qty': 1, 'bom_id': bom.id})
        self.next_transaction()
        order.action_confirm()
        self.next_transaction()
        self.assertEqual([payload['state'] for payload in self.of('odoo.mrp.production.confirmed')], ['confirmed'])
        order.with_context(skip_consumption=True).button_mark_done()
        self.next_transaction()
        self.assertEqual(order.state, 'done')
        [payload] = self.of('odoo.mrp.production.done')
        self.assertTrue(payload['date_finished'])

    def test_an_invoice_is_posted(self):
        self.need('account.move')
        if not self.env['account.journal'].search([('type', '=', 'sale')], limit=1):
            self.skipTest('the company has no chart of accounts')
        invoice = self.env['account.move'].create({
            'move_type': 'out_invoice', 'invoice_date': '2026-11-21',
            'partner_id': self.env['res.partner'].create({'name': 'Customer'}).id,
            'invoice_line_ids': [(0, 0, {'name': 'x', 'quantity': 1, 'price_unit': 9.5})]})
        self.next_transaction()
        invoice.action_post()
        self.next_transaction()
        [payload] = self.of('odoo.account.move.posted')
        self.assertEqual((payload['state'], payload['name']), ('posted', invoice.name))
        self.assertEqual(payload['invoice_date'], '2026-11-21')

    def test_the_button_opens_the_trace_of_the_name(self):
        self.need('stock.picking')
        self.env['crossdock.settings']._one().url = 'https://crossdock.example/'
        warehouse = self.env['stock.warehouse'].search([], limit=1)
        picking = self.env['stock.picking'].create({
            'picking_type_id': warehouse.out_type_id.id, 'name': 'WH/OUT/7 a',
            'location_id': warehouse.lot_stock_id.id,
            'location_dest_id': self.env['stock.location'].search([('usage', '=', 'customer')], limit=1).id})
        self.assertEqual(picking.crossdock_trace()['url'], 'https://crossdock.example/trace/WH%2FOUT%2F7%20a')

    def test_the_button_is_on_the_forms_that_exist(self):
        for model in ('sale.order', 'stock.picking', 'mrp.production'):
            if model in self.env:
                with self.subTest(model):
                    self.assertIn('name="crossdock_trace"', self.env[model].get_view(view_type='form')['arch'])
                    self.assertTrue(self.env.ref('crossdock_outbox.button_' + model.replace('.', '_')))
