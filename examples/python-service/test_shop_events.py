"""Contract tests: the mock says what the service would refuse, and what has arrived."""

import json
import os
import unittest
import urllib.request

from shop_events import Refused, purchase_batch, send

BASE_URL = os.environ.get("MPARTICLE_BASE_URL", "http://127.0.0.1:4010/v2")
ARRIVALS = BASE_URL.removesuffix("/v2") + "/_"
LAMP = {"id": "sku-1", "name": "Lamp", "price": 19.99, "quantity": 1}


def arrived(which):
    with urllib.request.urlopen(f"{ARRIVALS}/{which}", timeout=10) as answer:
        return json.load(answer)


class PurchaseTest(unittest.TestCase):
    def setUp(self):
        urllib.request.urlopen(urllib.request.Request(ARRIVALS + "/reset", method="POST"), timeout=10).close()

    def test_a_purchase_fits_the_contract(self):
        self.assertEqual(send(BASE_URL, "key", "secret", purchase_batch("1234", "T-1", [LAMP], 19.99)), 202)
        self.assertEqual(arrived("all")["good"], 1)
        self.assertEqual(arrived("bad")["batches"], [])

    def test_the_same_order_has_the_same_id(self):
        first, second = (purchase_batch("1234", "T-1", [LAMP], 19.99) for _ in range(2))
        self.assertEqual(first["source_request_id"], second["source_request_id"])

    def test_a_misspelt_key_is_refused(self):
        batch = purchase_batch("1234", "T-1", [LAMP], 19.99)
        batch["user_identities"] = {"customerId": "1234"}
        with self.assertRaisesRegex(Refused, "customer_id"):
            send(BASE_URL, "key", "secret", batch)
        self.assertEqual(arrived("all")["bad"], 1)


if __name__ == "__main__":
    unittest.main()
