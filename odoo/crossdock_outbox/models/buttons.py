"""A button on orders, transfers and production orders that opens the record's trace in Crossdock.

The views are made in code, as XML cannot inherit from a view of a module that is not installed. It must
never make one for a form that is not there.
"""
from urllib.parse import quote

from odoo import _, api, models
from odoo.exceptions import UserError

# model: the form that gets the button
FORMS = {
    'sale.order': 'sale.view_order_form',
    'stock.picking': 'stock.view_picking_form',
    'mrp.production': 'mrp.mrp_production_form_view',
}

ARCH = """
<xpath expr="//header" position="inside">
    <button name="crossdock_trace" type="object" string="Crossdock" groups="base.group_user" invisible="not id"/>
</xpath>
"""


class Base(models.AbstractModel):
    _inherit = 'base'

    def crossdock_trace(self):
        """Open the trace page of this record's name."""
        self.ensure_one()
        # Read as the caller, who must not learn the name of a record that is not theirs to see.
        reference = self.read(['name'])[0]['name'] if 'name' in self._fields else self.display_name
        address = self.env['crossdock.settings']._one().url
        if not address:
            raise UserError(_('The address of Crossdock is not set: see Crossdock, Settings.'))
        return {
            'type': 'ir.actions.act_url',
            'target': 'new',
            'url': '%s/trace/%s' % (address.rstrip('/'), quote(reference or '', safe='')),
        }


class CrossdockButtons(models.AbstractModel):
    _name = 'crossdock.buttons'
    _description = 'Crossdock: buttons on forms that exist'

    @api.model
    def _ship(self):
        """Make the views that are missing. Their external ids have them removed with this module."""
        for model, form in FORMS.items():
            xml_id = 'crossdock_outbox.button_' + model.replace('.', '_')
            parent = self.env.ref(form, raise_if_not_found=False)
            if model not in self.env or not parent or self.env.ref(xml_id, raise_if_not_found=False):
                continue
            view = self.env['ir.ui.view'].create({
                'name': model + '.form.crossdock',
                'model': model,
                'inherit_id': parent.id,
                'mode': 'extension',
                'arch': ARCH,
            })
            self.env['ir.model.data']._update_xmlids([{'xml_id': xml_id, 'record': view, 'noupdate': True}])
