"""The rules that come with the module, made only for models that exist, and completed as modules arrive.

It must never change what somebody has edited: a field taken out of a payload stays out, a rule switched
off stays off.
"""
from odoo import api, models

ORDER = 'name state company_id partner_id user_id origin currency_id amount_untaxed amount_tax amount_total'
PICKING = ('name state origin partner_id company_id picking_type_id picking_type_code location_id location_dest_id '
           'scheduled_date date_deadline date_done backorder_id move_ids sale_id purchase_id '
           'carrier_id carrier_tracking_ref carrier_tracking_url')

# Fields that a version or a missing module does not have are left out.
PAYLOADS = {
    'sale.order': ORDER + ' client_order_ref partner_shipping_id partner_invoice_id date_order commitment_date '
                          'order_line picking_ids warehouse_id carrier_id delivery_status invoice_status',
    'purchase.order': ORDER + ' partner_ref date_order date_approve date_planned order_line picking_ids '
                              'picking_type_id invoice_status receipt_status',
    'stock.picking': PICKING,
    'stock.move': 'state product_id product_uom product_uom_id product_uom_qty quantity picking_id location_id '
                  'location_dest_id sale_line_id purchase_line_id raw_material_production_id production_id date',
    'stock.quant': 'product_id location_id lot_id package_id owner_id company_id quantity reserved_quantity in_date',
    'mrp.production': 'name state origin company_id product_id product_qty qty_produced qty_producing product_uom_id '
                      'bom_id lot_producing_id lot_producing_ids date_start date_finished date_deadline '
                      'reservation_state move_raw_ids move_finished_ids workorder_ids',
    'mrp.workorder': 'name state production_id workcenter_id product_id qty_produced qty_remaining duration '
                     'date_start date_finished',
    'account.move': 'name state move_type ref invoice_origin payment_reference partner_id company_id currency_id '
                    'invoice_date invoice_date_due date amount_untaxed amount_tax amount_total amount_residual '
                    'payment_state reversed_entry_id invoice_line_ids',
}

# (event type, model, trigger, watched fields, values, active). The event type is also the key of the rule.
RULES = [
    ('odoo.sale.order.created', 'sale.order', 'created', '', '', True),
    ('odoo.sale.order.confirmed', 'sale.order', 'reached', 'state', 'sale', True),
    ('odoo.sale.order.cancelled', 'sale.order', 'reached', 'state', 'cancel', True),
    ('odoo.sale.order.deleted', 'sale.order', 'deleted', '', '', True),
    ('odoo.stock.picking.assigned', 'stock.picking', 'reached', 'state', 'assigned', True),
    ('odoo.stock.picking.done', 'stock.picking', 'reached', 'state', 'done', True),
    ('odoo.stock.picking.cancelled', 'stock.picking', 'reached', 'state', 'cancel', True),
    ('odoo.stock.picking.deleted', 'stock.picking', 'deleted', '', '', True),
    ('odoo.stock.move.done', 'stock.move', 'reached', 'state', 'done', False),
    ('odoo.stock.quant.created', 'stock.quant', 'created', '', '', False),
    ('odoo.stock.quant.changed', 'stock.quant', 'changed', 'quantity reserved_quantity', '', False),
    ('odoo.stock.quant.deleted', 'stock.quant', 'deleted', '', '', False),
    ('odoo.purchase.order.confirmed', 'purchase.order', 'reached', 'state', 'purchase', True),
    ('odoo.purchase.order.cancelled', 'purchase.order', 'reached', 'state', 'cancel', True),
    ('odoo.purchase.order.deleted', 'purchase.order', 'deleted', '', '', True),
    ('odoo.mrp.production.confirmed', 'mrp.production', 'reached', 'state', 'confirmed', True),
    ('odoo.mrp.production.started', 'mrp.production', 'reached', 'state', 'progress', True),
    ('odoo.mrp.production.done', 'mrp.production', 'reached', 'state', 'done', True),
    ('odoo.mrp.production.cancelled', 'mrp.production', 'reached', 'state', 'cancel', True),
    ('odoo.mrp.production.deleted', 'mrp.production', 'deleted', '', '', True),
    ('odoo.mrp.workorder.ready', 'mrp.workorder', 'reached', 'state', 'ready', True),
    ('odoo.mrp.workorder.started', 'mrp.workorder', 'reached', 'state', 'progress', True),
    ('odoo.mrp.workorder.done', 'mrp.workorder', 'reached', 'state', 'done', True),
    ('odoo.mrp.workorder.deleted', 'mrp.workorder', 'deleted', '', '', True),
    ('odoo.account.move.posted', 'account.move', 'reached', 'state', 'posted', True),
    ('odoo.account.move.cancelled', 'account.move', 'reached', 'state', 'cancel', True),
    ('odoo.account.move.deleted', 'account.move', 'deleted', '', '', True),
]


class CrossdockShipped(models.Model):
    _inherit = 'crossdock.rule'

    def _register_hook(self):
        """Runs at the end of every load of the registry; only one after an installation has work to do."""
        super()._register_hook()
        if self.pool.updated_modules:
            rules = self.env['crossdock.rule'].sudo()
            rules._ship()
            self.env['crossdock.buttons'].sudo()._ship()

    @api.model
    def _ship(self):
        """Make what is missing, and add payload fields that came with a module installed since."""
        present = {rule.shipped_key: rule for rule in
                   self.with_context(active_test=False).search([('shipped_key', '!=', False)])}
        for shipped in RULES:
            model = shipped[1]
            if model not in self.env or not self.env['ir.model']._get(model):
                continue
            if shipped[0] in present:
                present[shipped[0]]._complete()
            else:
                self.create(self._shipped_values(*shipped))

    @api.model
    def _shipped_values(self, event_type, model, trigger, watched, values, active):
        names = self._shipped_names(model)
        return {
            'event_type': event_type,
            'model_id': self.env['ir.model']._get(model).id,
            'trigger': trigger,
            'watched_field_ids': [(6, 0, self._field_ids(model, watched.split()))],
            'reached_values': values,
            'payload_field_ids': [(6, 0, self._field_ids(model, names))],
            'active': active,
            'shipped_key': event_type,
            'shipped_fields': ' '.join(names),
        }

    def _complete(self):
        """Add the shipped fields that exist by now and were never added before."""
        self.ensure_one()
        before = (self.shipped_fields or '').split()
        new = [name for name in self._shipped_names(self.model) if name not in before]
        if new:
            self.write({
                'payload_field_ids': [(4, id_) for id_ in self._field_ids(self.model, new)],
                'shipped_fields': ' '.join(before + new),
            })

    @api.model
    def _shipped_names(self, model):
        return [name for name in PAYLOADS[model].split() if name in self.env[model]._fields]

    @api.model
    def _field_ids(self, model, names):
        return self.env['ir.model.fields'].search([('model', '=', model), ('name', 'in', names)]).ids
