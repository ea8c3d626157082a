"""What a service in Python sends: plain JSON over HTTP, held to the contract by its tests."""

import base64
import json
import urllib.error
import urllib.request
import uuid


class Refused(Exception):
    """The service, or the mock, does not take the batch; the message names each mistake."""


def purchase_batch(customer_id, order_id, products, total):
    """A batch with one purchase. Its id follows from the order, so that sending it twice counts once."""
    return {
        "environment": "development",
        "source_request_id": str(uuid.uuid5(uuid.NAMESPACE_URL, "order-" + order_id)),
        "user_identities": {"customer_id": customer_id},
        "events": [
            {
                "event_type": "commerce_event",
                "data": {
                    "product_action": {
                        "action": "purchase",
                        "transaction_id": order_id,
                        "total_amount": total,
                        "products": products,
                    }
                },
            }
        ],
    }


def send(base_url, key, secret, batch):
    """Sends one batch and returns the status, 202."""
    credentials = base64.b64encode(f"{key}:{secret}".encode()).decode()
    request = urllib.request.Request(
        base_url + "/events",
        data=json.dumps(batch).encode(),
        headers={"authorization": "Basic " + credentials, "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(error.read().decode()) from None
