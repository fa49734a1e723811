"""Pushing rows to one address, signed as Standard Webhooks asks; off unless a manager turns it on.

The order of a record's events is kept: a row that failed holds the later rows of its record, until it is
sent or given up. Each row is its own transaction, so that a crash repeats one event at most; the receiver
knows it by its webhook-id. Nothing is sent inside the writer's transaction.
"""
import base64
import hashlib
import hmac
import json
import logging
import random
import time
from datetime import datetime, timedelta

import psycopg2
import requests

from odoo import api, models

from .settings import secret_bytes

_logger = logging.getLogger(__name__)

TIMEOUT_S = 15
# LIMIT: one run, well below the time that a cron worker is given.
RUN_ROWS_MAX = 500
RUN_S_MAX = 50
# Waiting doubles from the first to the last; with 20 attempts that is about half a day.
WAIT_FIRST_S = 5
WAIT_MAX_S = 3600
ERROR_CHARS_MAX = 300

# INVARIANT: the first row of a record that is not sent hides the others of that record.
NEXT = """
    SELECT id FROM crossdock_outbox o
    WHERE state = 'new' AND (next_try IS NULL OR next_try <= now() AT TIME ZONE 'UTC')
      AND NOT EXISTS (SELECT 1 FROM crossdock_outbox e
                      WHERE e.res_model = o.res_model AND e.res_id = o.res_id
                        AND e.state = 'new' AND (e.txid, e.id) < (o.txid, o.id))
    ORDER BY txid, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""


def sign(secrets, event_id, timestamp, body):
    """The webhook-signature header: one signature for each secret, parted by blanks."""
    content = b'%s.%d.%s' % (event_id.encode(), timestamp, body)
    made = (hmac.new(secret_bytes(secret), content, hashlib.sha256).digest() for secret in secrets.split())
    return ' '.join('v1,' + base64.b64encode(digest).decode() for digest in made)


def wait_s(attempts, retry_after=None):
    """Seconds until the next attempt; never less than the receiver asked for, within the cap."""
    wait = min(WAIT_FIRST_S * 2 ** min(attempts - 1, 20), WAIT_MAX_S) * random.uniform(0.8, 1.2)
    if retry_after and retry_after.isdigit():
        wait = max(wait, int(retry_after))
    return min(wait, WAIT_MAX_S)


class CrossdockOutbox(models.Model):
    _inherit = 'crossdock.outbox'

    @api.model
    def _push(self):
        """The cron's method: send what is due, one row and one transaction at a time."""
        # A copy of the database notices here that it is one, and stops pushing.
        self.env['crossdock.epoch']._current()
        end = time.monotonic() + RUN_S_MAX
        for _count in range(RUN_ROWS_MAX):
            # Read anew for each row: a manager may have switched it off, or a 410 did.
            settings = self.env['crossdock.settings']._one()
            if not settings.push_enabled or time.monotonic() > end:
                break
            try:
                go_on = self._push_next(settings)
                self.env.cr.commit()
            except psycopg2.errors.SerializationFailure:
                # Another worker has just dealt with that row.
                self.env.cr.rollback()
                continue
            if not go_on:
                return
        else:
            self.env.ref('crossdock_outbox.cron_push').sudo()._trigger()

    @api.model
    def _push_next(self, settings):
        """Send the next row. False if there is none, or if the receiver itself is in trouble."""
        self.flush_model()
        self.env.cr.execute(NEXT)
        found = self.env.cr.fetchone()
        if not found:
            return False
        row = self.sudo().browse(found[0])
        row.invalidate_recordset()
        status, error, retry_after = self._post(settings, row)
        if status is not None and 200 <= status < 300:
            row.write({'state': 'sent', 'attempts': row.attempts + 1, 'last_error': False, 'next_try': False})
            row.flush_recordset()
            return True
        row._failed(settings, error, retry_after)
        row.flush_recordset()
        if status == 410:
            _logger.error('crossdock outbox: the receiver is gone for good (410); pushing is switched off')
            settings.push_enabled = False
        # A refusal is about this row; no answer, a throttle or a fault is about the receiver, so the rest waits.
        return status is not None and 400 <= status < 500 and status not in (408, 410, 429)

    @api.model
    def _post(self, settings, row):
        """(status or None, what went wrong, Retry-After)."""
        # A trailing Z and microseconds, as in the payload.
        body = json.dumps({
            'type': row.event_type,
            'timestamp': row.emitted_at.strftime('%Y-%m-%dT%H:%M:%S.%fZ'),
            'data': json.loads(row.payload),
        }, sort_keys=True, ensure_ascii=False).encode()
        timestamp = int(time.time())
        headers = {
            'content-type': 'application/json',
            'user-agent': 'crossdock-outbox',
            'webhook-id': row.event_id,
            'webhook-timestamp': str(timestamp),
            'webhook-signature': sign(settings.push_secret, row.event_id, timestamp, body),
        }
        try:
            # A redirect could lead the signed event anywhere; it counts as a failure.
            answer = requests.post(
                settings.push_url, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False, stream=True)
        except requests.RequestException as error:
            return None, type(error).__name__, None
        # Whatever the receiver says beyond the status is not read: it has no limit.
        answer.close()
        return answer.status_code, 'status %s' % answer.status_code, answer.headers.get('retry-after')

    def _failed(self, settings, error, retry_after):
        self.ensure_one()
        attempts = self.attempts + 1
        values = {'attempts': attempts, 'last_error': error[:ERROR_CHARS_MAX]}
        if attempts >= settings.push_attempts_max:
            _logger.error('crossdock outbox: event %s (%s) is given up after %s attempts: %s',
                          self.event_id, self.event_type, attempts, error)
            values.update(state='dead', next_try=False)
        else:
            at = datetime.utcnow() + timedelta(seconds=wait_s(attempts, retry_after))
            values['next_try'] = at
            self.env.ref('crossdock_outbox.cron_push').sudo()._trigger(at=at.replace(microsecond=0))
        self.write(values)
