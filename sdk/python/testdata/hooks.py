#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
import logging
import os

import nsrun


class Hooks(nsrun.Plugin):
    "marks the run by a file"
    name, version = "hooks", "1.0.0"
    key = nsrun.Option("never shown", sensitive=True)
    count = nsrun.Option("a number", default=1)

    def negotiate(self, request):
        logging.info("negotiating for %s", request.plugin)
        return nsrun.offer(hooks=["pre-exec", "post-exec"])

    def mark(self, run):
        return os.path.join(os.environ.get("TMPDIR", "/tmp"), run.id)

    def pre_exec(self, run):
        with open(self.mark(run), "w"):
            return nsrun.reply(results={"mark": self.mark(run)}, state="made")

    def post_exec(self, run, state):
        if os.path.exists(self.mark(run)):
            os.remove(self.mark(run))

    def check_run(self, run, state):
        if not os.path.exists(self.mark(run)):
            raise nsrun.Refusal("the mark is gone")
        return [nsrun.diagnostic("the mark is there", severity="notice")]

    def check(self, facts):
        if facts.uid != 0:
            raise nsrun.Refusal("check: not root", hint="sudo")


if __name__ == "__main__":
    nsrun.main(Hooks)
