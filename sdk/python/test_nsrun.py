# SPDX-License-Identifier: Apache-2.0
"""Tests of nsrun.py that need no nsrun: python3 -m unittest."""
import types
import unittest

import nsrun


class Everything(nsrun.Plugin):
    """has every type of option

    and a docstring of several lines"""
    name, version, kinds = "everything", "1.0.0", ("net",)
    text = nsrun.Option("a text", default="a")
    switch = nsrun.Option("a switch", default=True)
    count = nsrun.Option("a number", default=3)
    wait = nsrun.Option("a duration", type="duration", default="1h30m")
    mode = nsrun.Option("one of two", enum=("fast", "safe"))
    two_words = nsrun.Option("two words, again and again", args=("SRC", "DST"), repeated=True)
    key = nsrun.Option("never shown", type="int", sensitive=True)

    def negotiate(self, request):
        return nsrun.offer(kinds=request.owns, env={"TEXT": self.text})


class Strict(Everything):
    "inherits options"
    must = nsrun.Option("has to be given", required=True)


def settings(*pairs):
    return [types.SimpleNamespace(option=option, args=list(args)) for option, *args in pairs]


class Options(unittest.TestCase):
    def test_defaults(self):
        p = Everything.configured([])
        self.assertEqual((p.text, p.switch, p.count, p.wait, p.mode, p.two_words), ("a", True, 3, 5400.0, "", []))

    def test_values(self):
        p = Everything.configured(settings(
            ("text", "b"), ("switch", "false"), ("count", "-7"), ("wait", "250ms"), ("mode", "safe"),
            ("two-words", "a", "b"), ("two-words", "c", "d")))
        self.assertEqual((p.text, p.switch, p.count, p.wait, p.mode), ("b", False, -7, 0.25, "safe"))
        self.assertEqual(p.two_words, [("a", "b"), ("c", "d")])

    def test_instances_share_nothing(self):
        Everything.configured(settings(("two-words", "a", "b")))
        self.assertEqual(Everything.configured([]).two_words, [])

    def test_all_that_is_wrong_is_said_at_once(self):
        with self.assertRaises(nsrun.Refusal) as caught:
            Strict.configured(settings(
                ("count", "1.5"), ("wait", "soon"), ("wait", "1s"), ("mode", "x"), ("switch", "yes"), ("nothing", "x"),
                ("two-words", "a"), ("key", "secret")))
        said = [(d["option"], d["summary"]) for d in caught.exception.diagnostics]
        self.assertEqual(said, [
            ("count", 'read --count: "1.5" is not a whole number'),
            ("wait", 'read --wait: "soon" is not a duration such as 300ms or 1h30m'),
            ("mode", 'read --mode: "x" is not one of fast, safe'),
            ("switch", 'read --switch: "yes" is not true or false'),
            ("nothing", "read --nothing: plugin everything has no such option"),
            ("two-words", "read --two-words: got 1 arguments"),
            ("key", "read --key: the value is not a whole number"),
            ("wait", "read --wait: given 2 times, and may be given once"),
            ("must", "read --must: option is required")])

    def test_durations(self):
        for text, seconds in (("0", 0), ("1.5h", 5400), ("-2m", -120), ("1m1s", 61), ("10us", 1e-5)):
            self.assertAlmostEqual(nsrun._seconds(text), seconds, msg=text)
        for text in ("", "1", "h", "1x", "1h x", "1h 2m"):
            self.assertRaises(ValueError, nsrun._seconds, text)

    def test_descriptor(self):
        d = Strict.descriptor()
        self.assertEqual((d["name"], d["summary"], d["kinds"]), ("everything", "inherits options", ["net"]))
        self.assertEqual([o["name"] for o in d["options"]],
                         ["text", "switch", "count", "wait", "mode", "two-words", "key", "must"])
        self.assertEqual(d["options"][1], {"name": "switch", "type": "bool", "help": "a switch", "default": "true"})
        self.assertNotIn("hooks", d)
        self.assertEqual(Everything.descriptor()["summary"], "has every type of option")


class Messages(unittest.TestCase):
    def test_what_is_written_can_be_read(self):
        message = {"steps": [nsrun.inside(nsrun.file("/a", "text\n", 0o600)), nsrun.if_exists(nsrun.bind("/b", "/c", "ro"))],
                   "env": [{"name": "A", "value": "ä"}], "results": {"address": "10.0.0.1"}, "state": b"\xff\x00"}
        m = nsrun.decode("PreExecResponse", nsrun.encode("PreExecResponse", message))
        self.assertEqual((m.steps[0].phase, m.steps[0].data, m.steps[0].mode, m.steps[1].attrs, m.steps[1].if_exists),
                         ("inside", "text\n", 0o600, ["ro"], True))
        self.assertEqual((m.env[0].value, m.results, m.state, m.diagnostics), ("ä", {"address": "10.0.0.1"}, b"\xff\x00", []))

    def test_a_message_that_is_there_and_empty(self):
        offer = nsrun.offer(fresh=[])
        self.assertEqual(nsrun.encode("Offer", offer), b"\x52\x00")
        self.assertEqual(nsrun.encode("Offer", nsrun.offer()), b"")

    def test_large_numbers(self):
        m = nsrun.decode("Extent", nsrun.encode("Extent", {"inside": 2**32 - 1, "size": 1}))
        self.assertEqual((m.inside, m.outside, m.size), (2**32 - 1, 0, 1))

    def test_unknown_fields_are_ignored(self):
        future = b"\xfa\xe7\x07\x03abc" + b"\x79" + b"\0" * 8 + b"\x7d" + b"\0" * 4 + b"\x70\x01"
        self.assertEqual(nsrun.decode("Setting", future + b"\x0a\x01x").option, "x")

    def test_broken_bytes_are_refused(self):
        for data in (b"\x0a", b"\x0a\x05x", b"\x80" * 11, b"\x0b", b"\x0a\x01\xff"):
            self.assertRaises(ValueError, nsrun.decode, "Setting", data)

    def test_an_unknown_key_is_an_error(self):
        self.assertRaises(KeyError, nsrun.encode, "Offer", {"stepz": []})


class Answers(unittest.TestCase):
    def ask(self, negotiate):
        calls = nsrun.Calls(type("P", (Everything,), {"negotiate": negotiate}))
        with self.assertLogs(level="ERROR") if negotiate.__name__ == "broken" else self.subTest():
            return calls.negotiate(nsrun.decode("NegotiateRequest", b""))["offer"]

    def test_refusal(self):
        def refuse(_self, _request):
            raise nsrun.Refusal("make it: no", hint="--text b", option="text")
        self.assertEqual(self.ask(refuse)["diagnostics"], [{"summary": "make it: no", "hint": "--text b", "option": "text"}])

    def test_error_of_the_kernel(self):
        def missing(_self, _request):
            open("/nonexistent")
        said = self.ask(missing)["diagnostics"][0]
        self.assertEqual((said["errno"], said["summary"]), (2, "negotiate: [Errno 2] No such file or directory: '/nonexistent'"))

    def test_mistake(self):
        def broken(_self, _request):
            return 1 // 0
        self.assertIn("plugin failed: ZeroDivisionError", self.ask(broken)["diagnostics"][0]["summary"])

    def test_review(self):
        class Guard(nsrun.Plugin):
            """Guards."""
            name, version = "guard", "1"

            def review(self, request):
                if request.command == ["rm"]:
                    raise nsrun.Refusal("rm is not allowed", hint="ls")

        self.assertEqual(Guard.descriptor()["requires"], ["review"])
        for command, want in ("rm", ["rm is not allowed"]), ("ls", []):
            request = nsrun.decode("ReviewRequest", nsrun.encode("ReviewRequest", {"command": [command], "request": {}}))
            said = nsrun.Calls(Guard).review(request)["diagnostics"]
            self.assertEqual([d["summary"] for d in said], want)

    def test_update_of_a_run(self):
        class Plain(nsrun.Plugin):
            """Can't."""
            name, version = "plain", "1"

        class Able(Plain):
            """Can."""

            def update(self, run, state, add, remove):
                if remove:
                    raise nsrun.Refusal("no such colour")
                settings = [{"option": s.option, "args": list(s.args)} for s in add]
                return nsrun.reply(settings=settings, results={"run": run.id}, state=state + b"!")

        def ask(plugin, **change):
            request = nsrun.encode("UpdateRequest", {"run": {"id": "r"}, "state": b"made", **change})
            answer = nsrun.Calls(plugin).update(nsrun.decode("UpdateRequest", request))
            return nsrun.decode("UpdateResponse", nsrun.encode("UpdateResponse", answer))
        red = [{"option": "colour", "args": ["red"]}]
        done = ask(Able, add=red)
        self.assertEqual([(s.option, list(s.args)) for s in done.settings], [("colour", ["red"])])
        self.assertEqual((done.state, dict(done.results), list(done.diagnostics)), (b"made!", {"run": "r"}, []))
        for plugin, want in (Able, "no such colour"), (Plain, "update: the plugin can't change a run"):
            self.assertEqual([d.summary for d in ask(plugin, remove=red).diagnostics], [want])

    def test_check_of_a_run(self):
        class Marks(nsrun.Plugin):
            """Marks."""
            name, version = "marks", "1"

            def check(self, facts):
                raise nsrun.Refusal("asked for the host")

            def check_run(self, run, state):
                if state != b"made":
                    raise nsrun.Refusal("the mark of %s is gone" % run.id)
                return [nsrun.diagnostic("the mark is there", severity="notice")]

        self.assertEqual(Marks.descriptor()["features"], ["check-run"])
        for state, want in (b"made", "the mark is there"), (b"", "the mark of r is gone"):
            request = nsrun.decode("CheckRequest", nsrun.encode("CheckRequest", {"run": {"id": "r"}, "state": state}))
            self.assertEqual([d["summary"] for d in nsrun.Calls(Marks).check(request)["diagnostics"]], [want])
        self.assertEqual(nsrun.Calls(Marks).check(nsrun.decode("CheckRequest", b""))["diagnostics"], [{"summary": "asked for the host"}])

    def test_nothing(self):
        def nothing(_self, _request):
            return None
        self.assertIn("answered nothing", self.ask(nothing)["diagnostics"][0]["summary"])


if __name__ == "__main__":
    unittest.main()
