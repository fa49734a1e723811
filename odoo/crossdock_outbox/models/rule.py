"""Which changes become events, and the table of them that every writer looks into.

The table must never cost a model that no rule names more than a look into a cached dict.
"""
import ast
import re
from collections import namedtuple

from odoo import _, api, fields, models, tools
from odoo.exceptions import UserError, ValidationError

from . import specification as specifications
from .specification import NO_PAYLOAD

EVENT_TYPE = re.compile(r'[a-z0-9_]+(\.[a-z0-9_]+)+')
# LIMIT: what a reader calls a reading, in every row of it. A digest in hexadecimal fits.
READING_CHARS_MAX = 64

# One rule, as the writer needs it: plain values only, as it is cached over transactions.
Rule = namedtuple('Rule', 'id trigger event_type watched values payload domain specification reading stale')
# A rule of `model` that shows records of another one below its own; see specification.chains.
Link = namedtuple('Link', 'rule_id model chain')
# All that is looked at in a model: its own rules, and those that show its records below others. `columns` are those of
# which a write counts, `reached` those that are read at the end in any case.
Watch = namedtuple('Watch', 'rules links columns reached deleted')

COMPILE = """
    SELECT r.id, r.model, r.trigger, r.event_type, r.reached_values, r.domain, r.specification, r.reading,
           ARRAY(SELECT f.name FROM crossdock_rule_watched w JOIN ir_model_fields f ON f.id = w.field_id
                 WHERE w.rule_id = r.id ORDER BY f.name) AS watched,
           ARRAY(SELECT f.name FROM crossdock_rule_payload p JOIN ir_model_fields f ON f.id = p.field_id
                 WHERE p.rule_id = r.id ORDER BY f.name) AS payload
    FROM crossdock_rule r WHERE r.active ORDER BY r.id
"""


class CrossdockRule(models.Model):
    _name = 'crossdock.rule'
    _inherit = 'crossdock.lists'
    _description = 'Crossdock rules'
    _rec_name = 'event_type'
    _order = 'model, id'
    _list_columns = ('event_type', 'model', 'trigger', 'reached_values', 'active')

    event_type = fields.Char('Event type', required=True, help='Such as odoo.sale.order.confirmed.')
    model_id = fields.Many2one(
        'ir.model', 'Model', required=True, ondelete='cascade', domain=[('transient', '=', False)])
    model = fields.Char(related='model_id.model', string='Model name', store=True, index=True)
    trigger = fields.Selection([
        ('saved', 'Made or written, or a record shown below it'),
        ('created', 'Created'),
        ('reached', 'A value is reached'),
        ('changed', 'A field is changed'),
        ('deleted', 'Deleted'),
    ], required=True)
    watched_field_ids = fields.Many2many(
        'ir.model.fields', 'crossdock_rule_watched', 'rule_id', 'field_id', 'Watched fields',
        help='The one field that reaches a value, or the fields of which one is changed. Stored columns only.')
    reached_values = fields.Char('Values', help='Technical values, parted by commas: any of them.')
    payload_field_ids = fields.Many2many(
        'ir.model.fields', 'crossdock_rule_payload', 'rule_id', 'field_id', 'Payload',
        help='Whoever may pull sees these fields of every record of the model.')
    specification = fields.Text(
        help='In place of payload fields: what web_read is to read, as JSON. Its one2many fields are watched, too.')
    reading = fields.Char(
        size=READING_CHARS_MAX, help='What the reader calls this specification; in every row that was read with it.')
    domain = fields.Char(default='[]', help='Only records that match at the end of the transaction.')
    active = fields.Boolean(default=True)
    shipped_key = fields.Char(readonly=True, copy=False)
    shipped_fields = fields.Text(readonly=True, copy=False)

    @api.constrains('event_type', 'model_id', 'trigger', 'watched_field_ids', 'reached_values',
                    'payload_field_ids', 'domain', 'specification', 'reading')
    def _check_rule(self):
        for rule in self:
            mistakes = rule._mistakes()
            if mistakes:
                raise ValidationError('\n'.join(mistakes))

    def _mistakes(self):
        """Every mistake of the rule, so that they are told in one run."""
        self.ensure_one()
        # Odoo 19 checks constraints as superuser; the rights looked at here are those of the author.
        model = self.env(su=False).get(self.model_id.model)
        if model is None or model._abstract or model._transient or self.model_id.model.startswith('crossdock.'):
            return [_('No rule can be made for this model.')]
        mistakes = []
        if not EVENT_TYPE.fullmatch(self.event_type or ''):
            mistakes.append(_('An event type is made of small letters, digits and _, with dots between.'))
        if (self.watched_field_ids | self.payload_field_ids).filtered(lambda f: f.model != self.model_id.model):
            mistakes.append(_('A field belongs to another model.'))
        if self.payload_field_ids.filtered(lambda f: f.ttype in NO_PAYLOAD):
            mistakes.append(_('A payload holds no binary fields.'))
        return (mistakes + self._rights_mistakes(model) + self._watch_mistakes(model)
                + self._specification_mistakes(model) + self._domain_mistakes(model))

    def _rights_mistakes(self, model):
        """A rule hands out what it names: nobody may name what they may not read themselves."""
        if not model.env['ir.model.access'].check(model._name, 'read', raise_exception=False):
            return [_('You may not read records of this model.')]
        names = (self.watched_field_ids | self.payload_field_ids).mapped('name')
        hidden = sorted(set(names) - set(model.fields_get(names, ['type'])))
        return [_('You may not read: %s', ', '.join(hidden))] if hidden else []

    def _watch_mistakes(self, model):
        names = self.watched_field_ids.mapped('name')
        mistakes = []
        for name in names:
            if name not in model._fields or not is_column(model._fields[name]):
                mistakes.append(_('%s is not a stored column and cannot be watched.', name))
        if self.trigger == 'reached' and (len(names) != 1 or not self._values()):
            mistakes.append(_('Name one field and the values that it reaches.'))
        if self.trigger == 'changed' and not names:
            mistakes.append(_('Name the fields that are changed.'))
        return mistakes

    def _specification_mistakes(self, model):
        if not self.specification:
            return [_('A reading is the name of a specification, and there is none.')] if self.reading else []
        mistakes = specifications.mistakes(model, self.specification)
        if self.payload_field_ids:
            mistakes.append(_('A payload is made of its fields or of a specification, not of both.'))
        return mistakes

    def _domain_mistakes(self, model):
        try:
            # As the author, who must not learn by a domain what they may not read.
            model.search(parse_domain(self.domain), limit=1)
        except Exception as error:  # noqa: BLE001, whatever a domain can raise is the manager's to read
            return [_('The domain cannot be used: %s', error)]
        return []

    def _values(self):
        return [value.strip() for value in (self.reached_values or '').split(',') if value.strip()]

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        self._forget()
        return rules

    def write(self, vals):
        result = super().write(vals)
        self._forget()
        return result

    def unlink(self):
        if not self.env.context.get('_force_unlink') and self.filtered('shipped_key'):
            # Deleted, it would come back with the next module that is installed.
            raise UserError(_('A rule that came with the module is switched off, not deleted.'))
        result = super().unlink()
        self._forget()
        return result

    @api.model
    def _forget(self):
        """Drop the table, now and again after the commit: another thread may fill it in between."""
        self.flush_model()
        self.env.registry.clear_cache()
        self.env.cr.postcommit.add(self.env.registry.clear_cache)

    @api.model
    @tools.ormcache()
    def _watches(self):
        """{model name: Watch} of the active rules; cached in every worker, dropped in all by `_forget`.

        It reads the database directly, as it may be asked in the middle of a flush.
        """
        self.env.cr.execute("SELECT state FROM ir_module_module WHERE name = 'crossdock_outbox'")
        if self.env.cr.fetchone()[0] in ('to remove', 'uninstalled'):
            return {}  # its columns go one by one, while others still write
        self.env.cr.execute(COMPILE)
        rules_of = {}
        for row in self.env.cr.dictfetchall():
            model = self.env.get(row['model'])
            if model is not None and not model._abstract:
                rules_of.setdefault(row['model'], []).append(compile_rule(row, model))
        links_of = {}
        for name, rules in rules_of.items():
            for link in links(self.env[name], rules):
                links_of.setdefault(link.chain[0][0], []).append(link)
        return {
            name: watch_of(self.env[name], rules_of.get(name, ()), links_of.get(name, ()))
            for name in {**rules_of, **links_of}
        }


def compile_rule(row, model):
    """The rule of one row, without fields that the model no longer has."""
    named = frozenset(row['watched']) & columns_of(model)
    payload = {*row['payload'], *named, 'write_date'}
    values = frozenset(value.strip() for value in (row['reached_values'] or '').split(',') if value.strip())
    specification, is_whole = None, False
    if row['specification']:
        specification, is_whole = specifications.compiled(model, row['specification'])
    names = tuple(sorted(name for name in payload if name in model._fields))
    read = specification if specification is not None else dict.fromkeys(names, {})
    return Rule(
        row['id'], row['trigger'], row['event_type'],
        # Each write through the ORM moves `write_date`, also one that only changes a list of other records.
        columns_of(model) if row['trigger'] == 'saved' else named, values, names, parse_domain(row['domain']),
        specification, row['reading'] if is_whole else None, tuple(dict.fromkeys(specifications.stale(model, read))))


def links(model, rules):
    """The links of a model's rules to what they show below its records, each once."""
    for rule in rules:
        if rule.trigger == 'saved' and rule.specification:
            for chain in dict.fromkeys(specifications.chains(model, rule.specification)):
                yield Link(rule.id, model._name, chain)


def watch_of(model, rules, links_up):
    columns = columns_of(model) if links_up else frozenset()
    columns = columns.union(*(rule.watched for rule in rules if rule.trigger in ('saved', 'reached', 'changed')))
    reached = frozenset().union(*(rule.watched for rule in rules if rule.trigger == 'reached'))
    return Watch(
        tuple(rules), tuple(links_up), columns, reached, any(rule.trigger == 'deleted' for rule in rules))


def columns_of(model):
    return frozenset(name for name, field in model._fields.items() if is_column(field))


def is_column(field):
    """Whether the field is a column of its own table: only those pass through the low-level write."""
    return bool(field.store and field.column_type)


def parse_domain(text):
    return ast.literal_eval(text or '[]')
