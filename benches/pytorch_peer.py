#!/usr/bin/env python3
"""Trains the same perceptron in eager PyTorch of the same libtorch version, by alternating epochs.

64-64-32-3, ReLU, 10,000 rows, Adam, one thread: CPU time of an epoch, beside that of
`cargo bench --bench training`. PyTorch is installed into a throw-away environment (about 2 GB,
minutes); PYTHON names an interpreter that has it already.

usage: python3 benches/pytorch_peer.py
"""

import os
import statistics
import subprocess
import sys
import tempfile

VERSION = "2.13.0"
ROUNDS, EPOCHS = 7, 5
# Batch size, dropout, and the greatest allowed share of PyTorch's time.
CASES = [(32, 0.0, 0.40), (256, 0.0, 0.45), (32, 0.2, None), (256, 0.2, None)]

PEER = """
import sys, time, torch
batch, dropout, count = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
layers = torch.nn
drop = [layers.Dropout(dropout)] if dropout else []
net = layers.Sequential(
    layers.Linear(64, 64), layers.ReLU(), *drop,
    layers.Linear(64, 32), layers.ReLU(), *drop,
    layers.Linear(32, 3))
rows, classes = torch.rand(10000, 64) * 2 - 1, torch.randint(3, (10000,))
adam = torch.optim.Adam(net.parameters(), lr=1e-3)
loss_of = layers.CrossEntropyLoss()
for epoch in range(3 + count):
    began = time.thread_time()
    order = torch.randperm(10000)
    x, y = rows[order], classes[order]
    for start in range(0, 10000, batch):
        adam.zero_grad(set_to_none=True)
        loss = loss_of(net(x[start:start + batch]), y[start:start + batch])
        loss.backward()
        adam.step()
    if epoch >= 3:
        print(f"{time.thread_time() - began:.6f}")
"""


def interpreter(folder):
    if os.environ.get("PYTHON"):
        return os.environ["PYTHON"]
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = os.path.join(folder, "bin", "python")
    print(f"installing PyTorch {VERSION} into {folder}, to be thrown away", file=sys.stderr)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "numpy", f"torch=={VERSION}"], check=True)
    return python


def seconds(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(line) for line in out.split()]


def quartiles(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    build = ["cargo", "bench", "--bench", "training", "--", "epochs", "32", "0", "1"]
    subprocess.run(build, check=True, cwd=root, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        python = interpreter(folder)
        script = os.path.join(folder, "peer.py")
        with open(script, "w", encoding="utf-8") as file:
            file.write(PEER)
        print(f"{os.cpu_count()} cores, load average {os.getloadavg()}")
        for batch, dropout, target in CASES:
            args = [str(batch), str(dropout), str(EPOCHS)]
            ours, theirs, ratios = [], [], []
            for _ in range(ROUNDS):
                command = ["cargo", "bench", "--quiet", "--bench", "training", "--", "epochs", *args]
                one = subprocess.run(command, check=True, cwd=root, capture_output=True, text=True)
                ours.append(statistics.median(float(line) for line in one.stdout.split()))
                theirs.append(statistics.median(seconds([python, script, *args])))
                ratios.append(ours[-1] / theirs[-1])
            judged = ""
            if target is not None:
                verdict = "met" if statistics.median(ratios) <= target else "MISSED"
                judged = f"   target <= {target:.2f}  {verdict}"
            print(f"batch {batch}, dropout {dropout}: CPU ms an epoch, median (quartiles) of {ROUNDS} rounds")
            print(f"  ours     {quartiles([1e3 * one for one in ours])}")
            print(f"  PyTorch  {quartiles([1e3 * one for one in theirs])}")
            print(f"  ratio    {quartiles(ratios)}{judged}")


main()
