"""Payloads, and the statements that write the rows of a transaction.

It must never let a payload that cannot be made stop the change it tells of: the event then goes out with
the record's id and the reason, and the reader reads the rest.
"""
import json
import logging
import uuid
from collections import namedtuple
from collections.abc import Mapping
from datetime import date, datetime

import psycopg2

from odoo import fields

from .specification import CONTEXT

_logger = logging.getLogger(__name__)

# LIMIT: a payload above this is a mistake in a rule (a field of free text or a long list); it goes out bare.
PAYLOAD_BYTES_MAX = 256 * 1024
# LIMIT: rows of one INSERT, so that a transaction over many records makes statements of a sane size.
INSERT_ROWS_MAX = 500

# A payload as JSON text, and the name of the reading that it was made by, if it was.
Made = namedtuple('Made', 'payload reading')


def payloads(env, model, rule, ids):
    """{id: Made} of the records that exist and match the rule's domain."""
    records = env[model].browse(ids)
    try:
        for name, field in rule.stale:
            env[name].invalidate_model([field])
        if rule.domain:
            records = records.filtered_domain(rule.domain)
        if rule.specification is None:
            return {values['id']: made(model, rule, values) for values in records.read(rule.payload, load=None)}
        read = records.with_context(**CONTEXT).web_read(rule.specification)
        return {values['id']: made_as_asked(model, rule, values) for values in read}
    except psycopg2.Error:
        raise  # the transaction is aborted, or is to be tried again
    except Exception as error:  # noqa: BLE001, any computed field may be in a payload
        _logger.exception('crossdock outbox: a payload of %s cannot be made', rule.event_type)
        return {id_: bare(model, rule, id_, str(error)) for id_ in ids}


def made(model, rule, values):
    """Of the fields of a rule."""
    values.update(_model=model, _trigger=rule.trigger)
    return fitting(model, rule, values['id'], to_json(values, plain), None)


def made_as_asked(model, rule, values):
    """Of a specification: what Odoo would answer to the reader who asks, and nothing else."""
    return fitting(model, rule, values['id'], to_json(values, answered), rule.reading)


def to_json(values, other):
    return json.dumps(values, default=other, sort_keys=True, ensure_ascii=False, allow_nan=False)


def fitting(model, rule, id_, text, reading):
    if len(text.encode()) > PAYLOAD_BYTES_MAX:
        _logger.error('crossdock outbox: the payload of %s for id %s is too long', rule.event_type, id_)
        return bare(model, rule, id_, 'payload too long')
    return Made(text, reading)


def bare(model, rule, id_, reason):
    values = {'id': id_, '_model': model, '_trigger': rule.trigger, '_error': reason[:500]}
    return Made(json.dumps(values, sort_keys=True), None)


def plain(value):
    """Dates become ISO 8601, and moments UTC with microseconds; other objects their text."""
    if isinstance(value, datetime):
        return value.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def answered(value):
    """As Odoo's own answers over JSON have it: moments without a zone and cut to the second."""
    if isinstance(value, datetime):
        return fields.Datetime.to_string(value)
    if isinstance(value, date):
        return fields.Date.to_string(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value.decode() if isinstance(value, bytes) else str(value)


def match(env, dirty, fired, note):
    """Write the rows of `fired`, and put right those this transaction wrote before."""
    wished = wished_rows(env, fired, note)
    for key, row_id in present_rows(env.cr, dirty, note).items():
        due = wished.pop(key, None)
        if due is None:
            env.cr.execute('DELETE FROM crossdock_outbox WHERE id = %s', [row_id])
        else:
            env.cr.execute('UPDATE crossdock_outbox SET payload = %s, reading = %s WHERE id = %s', [*due, row_id])
    if wished:
        insert(env, fired, wished)
        note['written'].update((model, id_) for model, id_, _rule_id in wished)
        wake(env, note)


def wished_rows(env, fired, note):
    """{(model, id, rule id): Made} in the order of the first touch; one read for each model and rule."""
    ids_of = {}
    rule_of = {}
    for (model, id_), rules in fired.items():
        for rule in rules:
            rule_of[rule.id] = rule
            ids_of.setdefault((model, rule.id), []).append(id_)
    made_of = {}
    for (model, rule_id), ids in ids_of.items():
        rule = rule_of[rule_id]
        if rule.trigger == 'deleted':
            last = {id_: note['last'].get((model, id_), {}).get(rule.id) for id_ in ids}
            made_of[model, rule.id] = {id_: due for id_, due in last.items() if due}
        else:
            made_of[model, rule.id] = payloads(env, model, rule, ids)
    return {
        (model, id_, rule.id): made_of[model, rule.id][id_]
        for (model, id_), rules in fired.items() for rule in rules if id_ in made_of[model, rule.id]
    }


def present_rows(cr, dirty, note):
    """{(model, id, rule id): row id} of rows that this transaction wrote for the given records."""
    ids_of = {}
    for model, id_ in dirty:
        if (model, id_) in note['written']:
            ids_of.setdefault(model, []).append(id_)
    present = {}
    for model, ids in ids_of.items():
        # The memory may name rows that a savepoint took back; the table is right.
        cr.execute(
            """SELECT id, res_id, rule_id FROM crossdock_outbox
               WHERE res_model = %s AND res_id = ANY(%s) AND txid = pg_current_xact_id()::text::bigint""",
            [model, ids])
        present.update({(model, res_id, rule_id): row_id for row_id, res_id, rule_id in cr.fetchall()})
    return present


# The identity of the cluster is asked once for the statement and not for each row, as it reads a file.
INSERT = """
    INSERT INTO crossdock_outbox (event_id, event_type, rule_id, res_model, res_id, trigger, payload, reading,
                                  txid, cluster, snapshot, emitted_at, state, attempts)
    SELECT v.event_id, v.event_type, v.rule_id, v.res_model, v.res_id, v.trigger, v.payload, v.reading,
           pg_current_xact_id()::text::bigint, c.id, c.snapshot, clock_timestamp() AT TIME ZONE 'UTC', 'new', 0
    FROM (SELECT {cluster} AS id, pg_current_snapshot()::text AS snapshot OFFSET 0) c,
         (VALUES {rows}) v(number, event_id, event_type, rule_id, res_model, res_id, trigger, payload, reading)
    ORDER BY v.number
"""


def insert(env, fired, wished):
    rule_of = {rule.id: rule for rules in fired.values() for rule in rules}
    cluster = env['crossdock.epoch']._cluster_sql()
    values = [
        (number, str(uuid.uuid4()), rule_of[rule_id].event_type, rule_id, model, id_, rule_of[rule_id].trigger, *due)
        for number, ((model, id_, rule_id), due) in enumerate(wished.items())
    ]
    for start in range(0, len(values), INSERT_ROWS_MAX):
        some = values[start:start + INSERT_ROWS_MAX]
        env.cr.execute(
            INSERT.format(cluster=cluster, rows=', '.join(['(%s, %s, %s, %s, %s, %s, %s, %s, %s)'] * len(some))),
            [value for row in some for value in row])


def wake(env, note):
    """Have the cron push after the commit; once for each transaction, and only if pushing is on."""
    if not note.get('woken') and env['crossdock.settings']._pushes():
        note['woken'] = True
        env.ref('crossdock_outbox.cron_push')._trigger()
