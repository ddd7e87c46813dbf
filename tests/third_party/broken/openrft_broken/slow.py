"""Takes more than a second to import, as a module does that imports torch at its top."""

import time

import openrft

began = time.process_time()
while time.process_time() - began < 1.2:
    pass


class Slow(openrft.Plugin):
    @openrft.hookimpl
    def evaluate(self, rollouts):
        return {}
