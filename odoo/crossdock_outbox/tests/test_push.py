"""Pushing: signature, retries, order. The network is a list of answers; nothing is sent anywhere."""
import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from unittest.mock import patch

import requests

from odoo.exceptions import ValidationError

from ..models.push import WAIT_MAX_S, sign, wait_s
from .outbox_case import OutboxCase, tagged

KEY = bytes(range(32))
SECRET = 'whsec_' + base64.b64encode(KEY).decode()


class Answer:
    def __init__(self, status, headers=None):
        self.status_code, self.headers = status, headers or {}

    def close(self):
        pass


@tagged('post_install', '-at_install')
class TestPush(OutboxCase):
    def setUp(self):
        super().setUp()
        self.settings = self.env['crossdock.settings']._one()
        self.settings.write({
            'push_url': 'https://crossdock.example/in', 'push_secret': SECRET, 'push_enabled': True,
            'push_attempts_max': 3})
        self.posts = []
        self.answers = []

    def push(self, *answers):
        """One run of the cron; a status, a status with headers, or an exception for each row."""
        def post(url, data, headers, **more):
            self.posts.append((url, data, headers, more))
            answer = answers[len(self.posts) - start - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer if isinstance(answer, Answer) else Answer(answer)
        start = len(self.posts)
        with patch.object(requests, 'post', post), patch.object(self.env.cr, 'commit', self.env.flush_all):
            self.outbox._push()
        return len(self.posts) - start

    def states(self, ids):
        self.outbox.invalidate_model()
        return self.outbox.browse(ids).mapped('state')

    def let_time_pass(self):
        self.env.cr.execute('UPDATE crossdock_outbox SET next_try = NULL')

    def test_the_signature_is_that_of_standard_webhooks(self):
        [id_] = self.add_rows(20)
        self.push(200)
        [(url, body, headers, more)] = self.posts
        row = self.outbox.browse(id_)
        self.assertEqual(url, 'https://crossdock.example/in')
        self.assertEqual(headers['webhook-id'], row.event_id)
        signed = '.'.join((headers['webhook-id'], headers['webhook-timestamp'], body.decode())).encode()
        expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        self.assertEqual(headers['webhook-signature'], 'v1,' + expected)
        self.assertEqual(json.loads(body)['type'], 'test.row')
        self.assertEqual(json.loads(body)['data'], {'id': 1})
        self.assertIs(more['allow_redirects'], False)
        self.assertEqual(self.states([id_]), ['sent'])

    def test_the_vector_of_the_specification_is_met(self):
        self.assertEqual(
            sign('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330,
                 b'{"test": 2432232314}'),
            'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')

    def test_two_secrets_sign_side_by_side(self):
        other = 'whsec_' + base64.b64encode(bytes(24)).decode()
        both = sign(SECRET + ' ' + other, 'e', 1, b'{}')
        self.assertEqual(both, sign(SECRET, 'e', 1, b'{}') + ' ' + sign(other, 'e', 1, b'{}'))

    def test_secrets_that_are_none_are_refused(self):
        for secret in ('plain', 'whsec_!', 'whsec_' + base64.b64encode(bytes(23)).decode(), False):
            with self.subTest(secret), self.assertRaises(ValidationError):
                self.settings.push_secret = secret

    def test_a_failed_row_waits_and_holds_the_later_rows_of_its_record(self):
        first, second = self.add_rows(20, 21, res_id=1)
        [other] = self.add_rows(22, res_id=2)
        self.assertEqual(self.push(400, 200), 2)
        self.assertEqual(self.states([first, second, other]), ['new', 'new', 'sent'])
        row = self.outbox.browse(first)
        self.assertEqual((row.attempts, row.last_error), (1, 'status 400'))
        self.assertGreater(row.next_try, datetime.utcnow())
        self.assertEqual(self.push(), 0, 'the first waits and the second waits for it')
        self.let_time_pass()
        self.assertEqual(self.push(200, 200), 2)
        ids = [headers['webhook-id'] for _url, _body, headers, _more in self.posts[-2:]]
        self.assertEqual(ids, self.outbox.browse([first, second]).mapped('event_id'))

    def test_a_receiver_in_trouble_is_left_alone_until_the_next_run(self):
        self.add_rows(20, 21)
        for trouble in (requests.ConnectionError(), requests.Timeout(), 500, 503, 429):
            with self.subTest(trouble):
                self.assertEqual(self.push(trouble), 1)
                self.env.cr.execute('UPDATE crossdock_outbox SET next_try = NULL, attempts = 0')

    def test_a_row_is_given_up_after_the_last_attempt_and_lets_the_next_one_through(self):
        first, second = self.add_rows(20, 21, res_id=1)
        for _attempt in range(2):
            self.push(400)
            self.let_time_pass()
        with self.assertLogs('odoo.addons.crossdock_outbox.models.push', 'ERROR'):
            self.push(400, 200)
        self.assertEqual(self.states([first, second]), ['dead', 'sent'])
        self.outbox.browse(first).action_try_again()
        self.assertEqual(self.push(200), 1)
        self.assertEqual(self.states([first]), ['sent'])

    def test_a_redirect_is_a_failure(self):
        [id_] = self.add_rows(20)
        self.push(302)
        self.assertEqual(self.states([id_]), ['new'])

    def test_a_receiver_that_is_gone_switches_pushing_off(self):
        self.add_rows(20, 21)
        with self.assertLogs('odoo.addons.crossdock_outbox.models.push', 'ERROR'):
            self.assertEqual(self.push(410), 1)
        self.assertFalse(self.settings.push_enabled)

    def test_waiting_doubles_and_has_a_cap_and_honours_the_receiver(self):
        self.assertTrue(4 <= wait_s(1) <= 6)
        self.assertTrue(8 <= wait_s(2) <= 12)
        self.assertTrue(0.8 * WAIT_MAX_S <= wait_s(50) <= WAIT_MAX_S)
        self.assertEqual(wait_s(1, '120'), 120)
        self.assertEqual(wait_s(1, '999999'), WAIT_MAX_S)
        self.assertTrue(4 <= wait_s(1, 'Wed, 21 Oct 2026 07:28:00 GMT') <= 6)

    def test_off_nothing_is_sent(self):
        self.settings.push_enabled = False
        self.add_rows(20)
        self.assertEqual(self.push(), 0)

    def test_a_copy_of_the_database_stops_pushing(self):
        self.env['crossdock.epoch']._current()
        self.env['ir.config_parameter'].set_param('database.uuid', 'another')
        self.env.flush_all()
        self.add_rows(20)
        with self.assertLogs('odoo.addons.crossdock_outbox.models.epoch', 'WARNING'):
            self.assertEqual(self.push(), 0)
        self.assertFalse(self.settings.push_enabled)

    def test_an_event_wakes_the_cron_once(self):
        self.rule('created')
        triggers = self.env['ir.cron.trigger']
        before = triggers.search_count([])
        for name in ('A', 'B'):
            self.env['res.partner'].create({'name': name})
            self.settle()
        self.assertEqual(triggers.search_count([]), before + 1)

    def test_a_failed_row_asks_to_be_woken_when_it_is_due(self):
        self.add_rows(20)
        self.push(503)
        at = max(self.env['ir.cron.trigger'].search(
            [('cron_id', '=', self.env.ref('crossdock_outbox.cron_push').id)]).mapped('call_at'))
        self.assertLess(abs(at - datetime.utcnow()), timedelta(seconds=30))
