"""Follows one operation over its socket, cancels it, and is cut off once in between."""

import asyncio
import json
import sys
import urllib.request

import websockets


async def subscribe(socket, **what):
    await socket.send(json.dumps({"type": "subscribe", "sub": "py", **what}))
    answer = json.loads(await socket.recv())
    assert answer["type"] == "subscribed", answer


async def main(address, operation):
    url = f"ws://{address}/api/v1/ws"
    async with websockets.connect(url) as socket:
        await subscribe(socket, operation_id=operation)
        snapshot = json.loads(await socket.recv())
        assert snapshot["type"] == "snapshot", snapshot
        began, since = snapshot["data"]["status"], snapshot["seq"]
    cancel = f"http://{address}/api/v1/operations/{operation}/cancel?wait=10"
    urllib.request.urlopen(urllib.request.Request(cancel, method="POST")).read()
    async with websockets.connect(url) as socket:
        await subscribe(socket, operation_id=operation, since=since)
        seqs = []
        while True:
            frame = json.loads(await socket.recv())
            if frame["type"] == "snapshot":
                break
            seqs.append(frame["seq"])
        assert seqs == list(range(since + 1, since + 1 + len(seqs))), seqs
        print(f"snapshot {began}, then {frame['data']['status']}; nothing missed")


asyncio.run(main(sys.argv[1], sys.argv[2]))
