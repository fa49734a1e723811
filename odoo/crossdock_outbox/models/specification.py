"""What a rule with a specification reads: the language of `web_read`, derived by the reader from its contract.

Such a payload is what the reader would get by asking, so the two must never differ: nothing is added to it, and a
specification that cannot be read whole gives its rows no `reading`.
"""
import json

# LIMIT: a specification is compiled in every worker; one of all fields of a large model and its lines has 8 KiB.
BYTES_MAX = 64 * 1024
# LIMIT: records within records, such as order, lines, product, its category.
DEPTH_MAX = 5
# What the reader asks with. It names units and states in one language, and archived lines are lines.
CONTEXT = {'active_test': False, 'lang': 'en_US'}

NO_PAYLOAD = ('binary', 'image', 'serialized')
RELATIONS = ('many2one', 'one2many', 'many2many')


def mistakes(model, text):
    """Every mistake of a specification, for its author. In English: a program writes these."""
    if len(text.encode()) > BYTES_MAX:
        return ['The specification has more than %s bytes.' % BYTES_MAX]
    try:
        specification = json.loads(text)
    except ValueError as error:
        return ['The specification is no JSON: %s' % error]
    return list(_mistakes(model, specification, DEPTH_MAX))


def _mistakes(model, fields, depth):
    if not isinstance(fields, dict) or not all(isinstance(inner, dict) for inner in fields.values()):
        yield 'The specification is no object of objects at %s.' % model._name
        return
    if not model.env['ir.model.access'].check(model._name, 'read', raise_exception=False):
        yield 'You may not read records of %s.' % model._name
        return
    if not depth:
        yield 'The specification goes deeper than %s records.' % DEPTH_MAX
        return
    readable = model.fields_get(list(fields), ['type'])
    for name, inner in fields.items():
        field = model._fields.get(name)
        if field is None:
            yield '%s has no field %s.' % (model._name, name)
        elif name not in readable:
            yield 'You may not read: %s of %s' % (name, model._name)
        elif field.type in NO_PAYLOAD:
            yield 'A payload holds no binary fields, and %s of %s is one.' % (name, model._name)
        elif set(inner) - {'fields'}:
            yield 'Below %s of %s there may be `fields`, and nothing else.' % (name, model._name)
        elif inner and field.type not in RELATIONS:
            yield '%s of %s leads to no records.' % (name, model._name)
        elif inner:
            yield from _mistakes(model.env[field.comodel_name], inner['fields'], depth - 1)


def compiled(model, text):
    """(the specification without fields that are gone, whether it is still whole)."""
    asked = json.loads(text)
    there = _there(model, asked)
    return there, there == asked


def _there(model, fields):
    there = {}
    for name, inner in fields.items():
        field = model._fields.get(name)
        if field is None:
            continue
        comodel = model.env.get(field.comodel_name) if field.type in RELATIONS else None
        there[name] = {'fields': _there(comodel, inner['fields'])} if 'fields' in inner and comodel is not None else {}
    return there


def stale(model, fields):
    """(model, field) of what a cache may hold from before: the moment of writing, which a computed column moves without
    saying so, and what is computed at each reading."""
    for name in ('write_date', 'write_uid'):
        if name in model._fields:
            yield model._name, name
    for name, inner in fields.items():
        if not model._fields[name].store:
            yield model._name, name
        if 'fields' in inner:
            yield from stale(model.env[model._fields[name].comodel_name], inner['fields'])


def chains(model, fields):
    """How records that are shown below one of the model lead up to it: ((model, column), ...), the lowest first.

    Only where the way up is a column: an event for a change below is due when that column, before or after, leads here.
    """
    for name, inner in fields.items():
        field = model._fields[name]
        if field.type != 'one2many' or not field.inverse_name:
            continue
        below = model.env[field.comodel_name]
        inverse = below._fields.get(field.inverse_name)
        if inverse is None or inverse.type != 'many2one' or not inverse.store or inverse.comodel_name != model._name:
            continue
        step = (below._name, inverse.name)
        yield (step,)
        for chain in chains(below, inner.get('fields', {})):
            yield (*chain, step)
