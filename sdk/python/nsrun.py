# SPDX-License-Identifier: Apache-2.0
"""The SDK for nsrun plugins in Python: one file, over grpcio.

A plugin is a class. Its options are attributes, its answer is a method:

    import nsrun

    class Hello(nsrun.Plugin):
        "greets the command by its environment"
        name, version = "hello", "1.0.0"
        greet = nsrun.Option("whom to greet", default="world")

        def negotiate(self, request):
            return nsrun.offer(env={"HELLO": self.greet})

    if __name__ == "__main__":
        nsrun.main(Hello)

docs/python.md has the rest. What stands in brackets, such as [H-1], is a demand of SPEC.md.
"""
import enum
import json
import logging
import os
import re
import signal
import sys
import tempfile
import threading
import time
import traceback
import types

COOKIE = "6e7372756e2d706c7567696e2d76310a"  # [H-1]
PROTOCOL = 1


# --- Options and plugins ---------------------------------------------------------------

class Option:
    """A flag of the plugin, made as a class attribute.

    The flag is named as the attribute, with hyphens for underscores, and the
    attribute of the instance holds the value: a str, bool, int or float (seconds,
    for a duration), a list of those with repeated=True, and a list of tuples if
    there are several args.

    help        one line. Required
    type        "string", "bool", "int", "duration" or "path"; follows from default
    default     the value without the flag
    args        the names of the arguments, as help shows them: ("SRC", "DST")
    enum        the values that are allowed
    """

    def __init__(self, help, type=None, default=None, args=(), enum=(), repeated=False,
                 required=False, sensitive=False, deprecated="", env="", short="", name=""):
        kinds = {bool: "bool", int: "int"}
        self.help, self.default, self.args, self.enum = help, default, tuple(args), tuple(enum)
        self.type = type or kinds.get(default.__class__, "string")
        self.repeated, self.required, self.sensitive = repeated, required, sensitive
        self.deprecated, self.env, self.short, self.name = deprecated, env, short, name

    def __set_name__(self, owner, attribute):
        self.attribute = attribute
        self.name = self.name or attribute.replace("_", "-")

    def message(self):
        """Return the option as nsrun's descriptor has it."""
        default = "" if self.default is None else str(self.default)
        if isinstance(self.default, bool):
            default = default.lower()
        return _drop_empty({
            "name": self.name, "short": self.short, "type": self.type, "args": list(self.args), "help": self.help,
            "default": default, "enum": list(self.enum), "repeated": self.repeated, "required": self.required,
            "sensitive": self.sensitive, "deprecated": self.deprecated, "env": self.env})

    def unset(self):
        """Return the value without the flag."""
        if self.repeated:
            return []
        if self.default is None:
            return {"bool": False, "int": 0, "duration": 0.0}.get(self.type, "")
        return self.parse(str(self.default).lower() if self.type == "bool" else str(self.default))

    def parse(self, text):
        """Return the value of one argument, or raise ValueError."""
        if self.enum and text not in self.enum:
            raise ValueError("is not one of " + ", ".join(self.enum))
        if self.type == "bool":
            if text not in ("true", "false"):
                raise ValueError("is not true or false")
            return text == "true"
        if self.type == "int":
            if not re.fullmatch(r"[+-]?[0-9]+", text):
                raise ValueError("is not a whole number")
            return int(text)
        if self.type == "duration":
            return _seconds(text)
        return text


_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def _seconds(text):
    """Return the seconds of a duration in Go's form: 1h30m, 300ms."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    parts = re.findall(r"([0-9.]+)(ns|us|µs|ms|s|m|h)", rest)
    if rest != "0" and (not parts or "".join(n + u for n, u in parts) != rest):
        raise ValueError("is not a duration such as 300ms or 1h30m")
    return sign * sum(float(n) * _UNITS[u] for n, u in parts)


class Plugin:
    """The base of all plugins. Each call is made on an instance of its own.

    name, version   Required. The summary is the first line of the class's docstring.
    kinds           the namespaces that the plugin can own
    features        what it supports, for plugins that can replace each other
    requires        features of nsrun without which it can't work: "plan", "review"

    negotiate(request)      Required; returns an offer(), or raises Refusal
    pre_exec(run)           work on the host before the command; returns a reply() or None
    post_exec(run, state)   undoes it. It may be called again and must not mind
    review(request)         is shown the whole run before anything starts, its plan in JSON among it; raises a
                            Refusal, or returns diagnostics or None. It requires the feature "review" by itself
    check(facts)            returns or raises what stands in the way on this host
    check_run(run, state)   says whether what pre_exec made still holds, while the command runs: returns diagnostics,
                            a notice for each thing that does, or raises what doesn't. It changes nothing
    update(run, state, add, remove)
                            changes an option of a run whose command is running: all of it, or raises why nothing
                            [M-3]. It returns a reply() with all settings, for features such as "update-publish"
    """
    name = version = ""
    kinds = features = requires = ()

    def negotiate(self, request):
        raise NotImplementedError

    @classmethod
    def options(cls):
        """Return the options, in the order in which they were written."""
        found = {}
        for c in reversed(cls.__mro__):
            found.update({k: v for k, v in vars(c).items() if isinstance(v, Option)})
        return list(found.values())

    @classmethod
    def descriptor(cls):
        """Return what the plugin says of itself."""
        hooks = [point for point, method in (("pre-exec", "pre_exec"), ("post-exec", "post_exec")) if hasattr(cls, method)]
        features = list(cls.features) + ["check-run"] * (hasattr(cls, "check_run") and "check-run" not in cls.features)
        requires = list(cls.requires) + ["review"] * (hasattr(cls, "review") and "review" not in cls.requires)
        return _drop_empty({
            "name": cls.name, "version": cls.version, "summary": (cls.__doc__ or "").strip().split("\n")[0],
            "kinds": list(cls.kinds), "options": [o.message() for o in cls.options()], "hooks": hooks,
            "features": features, "requires": requires})

    @classmethod
    def configured(cls, settings, written=False):
        """Return an instance with its options filled in, or raise a Refusal. [S-4]

        With written the settings were written down, and lack those of sensitive options. [U-6]
        """
        plugin, refusal = cls(), Refusal()
        options, given = {o.name: o for o in cls.options()}, {}
        for o in options.values():
            setattr(plugin, o.attribute, o.unset())
        for s in settings:
            option = options.get(s.option)
            if option is None:
                refusal.add("read --%s: plugin %s has no such option" % (s.option, cls.name), option=s.option)
                continue
            given[option.name] = given.get(option.name, 0) + 1
            _store(plugin, option, s.args, refusal)
        for o in options.values():
            if o.required and o.name not in given and not (written and o.sensitive):
                refusal.add("read --%s: option is required" % o.name, option=o.name)
            if given.get(o.name, 0) > 1 and not o.repeated:
                refusal.add("read --%s: given %d times, and may be given once" % (o.name, given[o.name]), option=o.name)
        if refusal.diagnostics:
            raise refusal
        return plugin


def _store(plugin, option, args, refusal):
    if len(args) != max(1, len(option.args)):
        refusal.add("read --%s: got %d arguments" % (option.name, len(args)), option=option.name)
        return
    values = []
    for arg in args:
        try:
            values.append(option.parse(arg))
        except ValueError as err:
            shown = "the value" if option.sensitive else json.dumps(arg)
            refusal.add("read --%s: %s %s" % (option.name, shown, err), option=option.name)
            return
    value = tuple(values) if len(option.args) > 1 else values[0]
    if option.repeated:
        getattr(plugin, option.attribute).append(value)
    else:
        setattr(plugin, option.attribute, value)


# --- What a plugin says ----------------------------------------------------------------

class Refusal(Exception):
    """Refuses the run, or says that a hook failed.

    summary   what was tried and how it ended, lower case, without a full stop
    detail    why; hint: what to type instead; option: whose fault it is
    """

    def __init__(self, summary="", **more):
        super().__init__(summary)
        self.diagnostics = [diagnostic(summary, **more)] if summary else []

    def add(self, summary, **more):
        """Add another reason: all that is wrong is said at once. [G-1]"""
        self.diagnostics.append(diagnostic(summary, **more))


def diagnostic(summary, severity="", detail="", hint="", option="", errno=0):
    """Return something to tell the user. severity: "" for an error, "warning", "notice"."""
    return _drop_empty({"severity": severity, "summary": summary, "detail": detail, "hint": hint,
                        "option": option, "errno": errno})


def offer(kinds=(), wants=(), steps=(), env=None, claims=(), hooks=(), pin=(), diagnostics=(), fresh=None, id_map=None):
    """Return what the plugin wants for a run.

    fresh   files that the offer depends on beside the request: nsrun may then use it
            again without asking. None: ask at every run. [N-3]
    """
    return _drop_empty({
        "kinds": list(kinds), "wants": list(wants), "steps": list(steps), "env": _variables(env), "claims": list(claims),
        "hooks": list(hooks), "pin": list(pin), "diagnostics": list(diagnostics), "id_map": id_map,
        "freshness": None if fresh is None else {"files": list(fresh)}})


def reply(steps=(), env=None, results=None, state=b"", diagnostics=(), helpers=None, settings=()):
    """Return the answer of pre_exec or update. state is handed to post_exec, settings are of update.

    helpers are the programs that serve the run until then, name: pid, with the run's
    id in their arguments: the user is told when one ends while the command runs.
    """
    state = state.encode() if isinstance(state, str) else state
    return _drop_empty({"steps": list(steps), "env": _variables(env), "results": dict(results or {}), "state": state,
                        "diagnostics": list(diagnostics), "settings": list(settings),
                        "helpers": [{"name": name, "pid": pid} for name, pid in (helpers or {}).items()]})


def _variables(env):
    return [{"name": name, "value": value} for name, value in (env or {}).items()]


def step(op, **fields):
    """Return a step of any op: SPEC.md, section 8."""
    return _drop_empty(dict(fields, op=op))


def bind(source, target, *attrs):
    """Mount the host's file or directory source on target."""
    return step("bind", source=source, target=target, attrs=list(attrs))


def mount(fs_type, target, options="", *attrs):
    """Mount a new file system on target."""
    return step("mount", fs_type=fs_type, target=target, data=options, attrs=list(attrs))


def tmpfs(target, options="", *attrs):
    """Mount an empty tmpfs(5) on target."""
    return mount("tmpfs", target, options, *attrs)


def file(target, content, mode=0):
    """Mount a read-only file with this content on target."""
    return step("file", target=target, data=content, mode=mode)


def mkdir(target, mode=0):
    """Make the directory target, and those above it."""
    return step("mkdir", target=target, mode=mode)


def symlink(target, link):
    """Make link a symbolic link to target."""
    return step("symlink", target=link, data=target)


def hostname(name):
    """Set the host name."""
    return step("hostname", data=name)


def domainname(name):
    """Set the NIS domain name."""
    return step("domainname", data=name)


def link_up(name):
    """Set a network interface up."""
    return step("link-up", target=name)


def sysctl(key, value):
    """Set a kernel parameter that belongs to a namespace of the run."""
    return step("sysctl", target=key, data=value)


def init():
    """Keep an init as pid 1 of the PID namespace."""
    return step("init")


def inside(a_step):
    """Return the step, to be carried out after the root was switched."""
    return dict(a_step, phase="inside")


def if_exists(a_step):
    """Return the step, to be left out if its source or target doesn't exist."""
    return dict(a_step, if_exists=True)


def _drop_empty(message):
    return {k: v for k, v in message.items() if v or k == "freshness" and v is not None}


# --- Messages: proto3, as far as plugin.proto uses it ----------------------------------

# By message: field number, name, type. A type in [] is repeated; "map" is one of strings.
SCHEMA = {
    "DescribeRequest": {},
    "DescribeResponse": {1: ("descriptor", "Descriptor"), 2: ("diagnostics", ["Diagnostic"])},
    "Descriptor": {1: ("name", "string"), 2: ("version", "string"), 3: ("summary", "string"), 4: ("kinds", ["string"]),
                   5: ("options", ["Option"]), 6: ("hooks", ["string"]), 7: ("features", ["string"]), 8: ("requires", ["string"])},
    "Option": {1: ("name", "string"), 2: ("short", "string"), 3: ("type", "string"), 4: ("args", ["string"]),
               5: ("help", "string"), 6: ("default", "string"), 7: ("enum", ["string"]), 8: ("repeated", "bool"),
               9: ("required", "bool"), 10: ("sensitive", "bool"), 11: ("deprecated", "string"), 12: ("env", "string")},
    "NegotiateRequest": {1: ("plugin", "string"), 2: ("owns", ["string"]), 3: ("kinds", ["string"]),
                         4: ("settings", ["Setting"]), 5: ("facts", "Facts")},
    "Setting": {1: ("option", "string"), 2: ("args", ["string"])},
    "Facts": {1: ("uid", "uint32"), 2: ("gid", "uint32"), 3: ("user_name", "string"), 4: ("dir", "string"),
              5: ("kernel", "string"), 6: ("hostname", "string")},
    "NegotiateResponse": {1: ("offer", "Offer")},
    "Offer": {1: ("kinds", ["string"]), 2: ("wants", ["string"]), 3: ("id_map", "IDMap"), 4: ("steps", ["Step"]),
              5: ("claims", ["string"]), 6: ("env", ["EnvVar"]), 7: ("hooks", ["string"]), 8: ("pin", ["string"]),
              9: ("diagnostics", ["Diagnostic"]), 10: ("freshness", "Freshness"), 11: ("keeps", ["string"]),
              12: ("joins", ["Join"])},
    "Join": {1: ("kind", "string"), 2: ("source", "string")},
    "Freshness": {1: ("files", ["string"])},
    "Step": {1: ("op", "string"), 2: ("phase", "string"), 3: ("source", "string"), 4: ("target", "string"),
             5: ("fs_type", "string"), 6: ("attrs", ["string"]), 7: ("data", "string"), 8: ("mode", "uint32"),
             9: ("if_exists", "bool")},
    "EnvVar": {1: ("name", "string"), 2: ("value", "string")},
    "IDMap": {1: ("uids", ["Extent"]), 2: ("gids", ["Extent"]), 3: ("deny_setgroups", "bool"), 4: ("helpers", "bool"), 5: ("direct", "bool")},
    "Extent": {1: ("inside", "uint32"), 2: ("outside", "uint32"), 3: ("size", "uint32")},
    "Run": {1: ("id", "string"), 2: ("name", "string"), 3: ("plugin", "string"), 4: ("pid", "uint32"), 5: ("paths", "map"),
            6: ("state_dir", "string"), 7: ("request", "NegotiateRequest"), 8: ("id_map", "IDMap"), 9: ("plan", "bytes"),
            10: ("lifeline", "string")},
    "PreExecRequest": {1: ("run", "Run")},
    "PreExecResponse": {1: ("steps", ["Step"]), 2: ("env", ["EnvVar"]), 3: ("results", "map"), 4: ("state", "bytes"),
                        5: ("diagnostics", ["Diagnostic"]), 6: ("helpers", ["Helper"])},
    "Helper": {1: ("name", "string"), 2: ("pid", "uint32")},
    "PostExecRequest": {1: ("run", "Run"), 2: ("state", "bytes")},
    "PostExecResponse": {1: ("diagnostics", ["Diagnostic"])},
    "UpdateRequest": {1: ("run", "Run"), 2: ("state", "bytes"), 3: ("add", ["Setting"]), 4: ("remove", ["Setting"])},
    "UpdateResponse": {1: ("diagnostics", ["Diagnostic"]), 2: ("settings", ["Setting"]), 3: ("results", "map"), 4: ("state", "bytes")},
    "CheckRequest": {1: ("facts", "Facts"), 2: ("run", "Run"), 3: ("state", "bytes")},
    "CheckResponse": {1: ("diagnostics", ["Diagnostic"])},
    "ReviewRequest": {1: ("request", "NegotiateRequest"), 2: ("plan", "bytes"), 3: ("members", ["Member"]), 4: ("command", ["string"]),
                      5: ("user", "string"), 6: ("new_privs", "bool")},
    "Member": {1: ("name", "string"), 2: ("path", "string"), 3: ("system", "bool"), 4: ("owns", ["string"]),
               5: ("settings", ["Setting"])},
    "ReviewResponse": {1: ("diagnostics", ["Diagnostic"]), 2: ("freshness", "Freshness")},
    "Diagnostic": {1: ("severity", "string"), 2: ("summary", "string"), 3: ("detail", "string"), 4: ("hint", "string"),
                   5: ("option", "string"), 6: ("errno", "uint32")},
}
_ENTRY = {1: ("key", "string"), 2: ("value", "string")}
_DEFAULTS = {"string": str, "bytes": bytes, "bool": bool, "uint32": int, "map": dict}


class Wire(enum.IntEnum):
    """How a field is laid out; protobuf.dev, "Encoding"."""
    VARINT, FIXED64, BYTES, START, END, FIXED32 = range(6)


def encode(name, message):
    """Return a message, a dict, as bytes. A key that the message hasn't is a KeyError."""
    fields = SCHEMA[name]
    numbers = {field: (number, kind) for number, (field, kind) in fields.items()}
    out = bytearray()
    for field, value in message.items():
        number, kind = numbers[field]
        if kind == "map":
            for key, text in value.items():
                _put(out, number, _encode_entry(key, text))
        elif isinstance(kind, list):
            for item in value:
                _put(out, number, _encode_value(kind[0], item))
        elif value or isinstance(value, dict):
            _put(out, number, _encode_value(kind, value))
    return bytes(out)


def _encode_value(kind, value):
    if kind in ("bool", "uint32"):
        return int(value)
    if kind == "bytes":
        return bytes(value)
    if kind == "string":
        return str(value).encode("utf-8", "replace")
    return encode(kind, value)


def _encode_entry(key, text):
    out = bytearray()
    _put(out, 1, str(key).encode())
    _put(out, 2, str(text).encode())
    return bytes(out)


def _put(out, number, value):
    if isinstance(value, int):
        out += _varint(number << 3 | Wire.VARINT) + _varint(value)
    else:
        out += _varint(number << 3 | Wire.BYTES) + _varint(len(value)) + value


def _varint(n):
    out = bytearray()
    while n > 0x7f:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    out.append(n)
    return out


def decode(name, data):
    """Return bytes as a message: a namespace that has every field. Unknown ones are ignored. [V-2]"""
    return _decode(SCHEMA[name], memoryview(data))


def _decode(fields, data):
    values = {}
    for field, kind in fields.values():
        values[field] = [] if isinstance(kind, list) else _DEFAULTS[kind]() if kind in _DEFAULTS else _decode(SCHEMA[kind], b"")
    for number, value in _fields(data):
        if number not in fields:
            continue
        field, kind = fields[number]
        if kind == "map":
            entry = _decode(_ENTRY, value)
            values[field][entry.key] = entry.value
        elif isinstance(kind, list):
            values[field].append(_decode_value(kind[0], value))
        else:
            values[field] = _decode_value(kind, value)
    return types.SimpleNamespace(**values)


def _decode_value(kind, value):
    if kind == "bool":
        return bool(value)
    if kind == "uint32":
        return value & 0xffffffff
    if kind == "bytes":
        return bytes(value)
    if kind == "string":
        return str(value, "utf-8")
    return _decode(SCHEMA[kind], value)


def _fields(data):
    """Yield the number and value of each field."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        layout = key & 7
        if layout == Wire.VARINT:
            value, at = _read_varint(data, at)
        else:
            if layout == Wire.BYTES:
                size, at = _read_varint(data, at)
            elif layout in (Wire.FIXED64, Wire.FIXED32):
                size = 8 if layout == Wire.FIXED64 else 4
            else:
                raise ValueError("groups are not known")
            value, at = data[at:at + size], at + size
            if at > len(data):
                raise ValueError("a field is cut off")
        yield key >> 3, value


def _read_varint(data, at):
    n = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number is cut off")
        byte = data[at]
        at += 1
        n |= (byte & 0x7f) << shift
        if byte < 0x80:
            return n, at
        shift += 7


# --- Calls -----------------------------------------------------------------------------

class Calls:
    """Answers nsrun's calls with a plugin's methods. What is raised becomes diagnostics. [R-1]"""

    def __init__(self, plugin):
        self.plugin = plugin

    def describe(self, _request):
        return {"descriptor": self.plugin.descriptor()}

    def negotiate(self, request):
        def ask():
            return self.plugin.configured(request.settings).negotiate(request)
        answer, faults = self._try("negotiate", ask)
        if answer is None and not faults:
            faults = [diagnostic("negotiate: the plugin answered nothing", hint="return nsrun.offer(...)")]
        answer = dict(answer or {})
        answer["diagnostics"] = answer.get("diagnostics", []) + faults
        return {"offer": answer}

    def pre_exec(self, request):
        def ask():
            return self.plugin.configured(request.run.request.settings).pre_exec(request.run)
        answer, faults = self._try("pre-exec", ask) if hasattr(self.plugin, "pre_exec") else (None, [])
        answer = dict(answer or {})
        answer["diagnostics"] = answer.get("diagnostics", []) + faults
        return answer

    def post_exec(self, request):
        def ask():
            return self.plugin.configured(request.run.request.settings, written=True).post_exec(request.run, request.state)
        answer, faults = self._try("post-exec", ask) if hasattr(self.plugin, "post_exec") else (None, [])
        return {"diagnostics": list(answer or []) + faults}

    def check(self, request):
        if request.run.id:
            return self.check_run(request)
        answer, faults = self._try("check", lambda: self.plugin().check(request.facts)) if hasattr(self.plugin, "check") else (None, [])
        return {"diagnostics": list(answer or []) + faults}

    def check_run(self, request):
        def ask():
            return self.plugin.configured(request.run.request.settings, written=True).check_run(request.run, request.state)
        answer, faults = self._try("check-run", ask) if hasattr(self.plugin, "check_run") else (None, [])
        return {"diagnostics": list(answer or []) + faults}

    def update(self, request):
        def ask():
            plugin = self.plugin.configured(request.run.request.settings, written=True)
            if not hasattr(plugin, "update"):
                raise Refusal("update: the plugin can't change a run")
            return plugin.update(request.run, request.state, request.add, request.remove)
        answer, faults = self._try("update", ask)
        answer = dict(answer or {})
        answer["diagnostics"] = answer.get("diagnostics", []) + faults
        return answer

    def review(self, request):
        def ask():
            return self.plugin.configured(request.request.settings).review(request)
        answer, faults = self._try("review", ask) if hasattr(self.plugin, "review") else (None, [])
        return {"diagnostics": list(answer or []) + faults}

    @staticmethod
    def _try(call, ask):
        try:
            return ask(), []
        except Refusal as refusal:
            return None, refusal.diagnostics
        except OSError as err:
            return None, [diagnostic("%s: %s" % (call, err), errno=err.errno or 0)]
        except Exception as err:  # pylint: disable=broad-except
            logging.error("%s", traceback.format_exc())
            return None, [diagnostic(
                "%s: plugin failed: %s: %s" % (call, type(err).__name__, str(err).replace("\n", " ")),
                hint="report this to the plugin's author, with the log of nsrun --debug")]


# By method: the messages in and out, and what answers.
METHODS = {
    "Describe": ("DescribeRequest", "DescribeResponse", "describe"),
    "Negotiate": ("NegotiateRequest", "NegotiateResponse", "negotiate"),
    "PreExec": ("PreExecRequest", "PreExecResponse", "pre_exec"),
    "PostExec": ("PostExecRequest", "PostExecResponse", "post_exec"),
    "Check": ("CheckRequest", "CheckResponse", "check"),
    "Review": ("ReviewRequest", "ReviewResponse", "review"),
    "Update": ("UpdateRequest", "UpdateResponse", "update"),
}


# --- Process ---------------------------------------------------------------------------

class _JSONLines(logging.Formatter):
    """Writes what nsrun's log reads. [L-1]"""
    levels = {"WARNING": "warn", "CRITICAL": "error"}

    def format(self, record):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return json.dumps({
            "@message": record.getMessage(), "@level": self.levels.get(record.levelname, record.levelname.lower()),
            "@timestamp": "%s.%06dZ" % (stamp, record.created % 1 * 1e6)})


def _log():
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JSONLines())
    level = os.environ.get("NSRUN_LOG_LEVEL", "warn").upper()  # [L-2]
    logging.basicConfig(level=level if level in ("DEBUG", "INFO", "WARN", "ERROR") else "WARN", handlers=[handler])


def _watch_lifeline(number):
    """End with everything that was started when nsrun is gone. [P-4]"""
    os.set_inheritable(number, False)

    def watch():
        while os.read(number, 4096):
            pass
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


def _serve(calls, socket, done):
    import grpc  # a tenth of a second, which nobody who runs the plugin by hand waits for
    from concurrent import futures

    def unary(answer):
        return grpc.unary_unary_rpc_method_handler(answer)

    def method(request_name, response_name, attribute):
        return unary(lambda data, _context: encode(response_name, getattr(calls, attribute)(decode(request_name, data))))

    def stdio(_request, context):
        closed = threading.Event()
        context.add_callback(closed.set)
        closed.wait()
        return iter(())

    def shutdown(_request, _context):
        done.set()
        return b""

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers([
        grpc.method_handlers_generic_handler("nsrun.plugin.v1.Plugin", {n: method(*m) for n, m in METHODS.items()}),
        grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": unary(shutdown)}),  # [H-8]
        grpc.method_handlers_generic_handler("plugin.GRPCStdio", {"StreamStdio": grpc.unary_stream_rpc_method_handler(stdio)}),
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": unary(lambda *_: b"\x08\x01")}),  # SERVING
    ])
    server.add_insecure_port("unix:" + socket)
    server.start()
    return server


def _explain(plugin):
    d = plugin.descriptor()
    kinds = d.get("kinds", [])
    selector = "%s=%s" % (kinds[0], d["name"]) if len(kinds) == 1 and kinds[0] != d["name"] else d["name"]
    print("nsrun-plugin-%s %s: %s\n"
          "This is a plugin of nsrun (protocol %d), which is not run by hand.\n"
          "  namespaces:  %s\n"
          "  to use it:   nsrun --plugins %s COMMAND\n"
          "  its flags:   nsrun --plugins %s --help\n"
          "  descriptor:  nsrun-plugin-%s describe\n"
          "  to debug it: nsrun-plugin-%s debug"
          % (d["name"], d["version"], d["summary"], PROTOCOL, ", ".join(kinds) or "none of its own", selector, selector,
             d["name"], d["name"]),
          file=sys.stderr)


def _debug(plugin):
    """Serve until an interrupt, for nsrun to use this process."""
    logging.basicConfig(level="DEBUG")
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: done.set())
    with tempfile.TemporaryDirectory(prefix="nsrun-debug-") as directory:
        socket = os.path.join(directory, "plugin")
        server = _serve(Calls(plugin), socket, done)
        print("NSRUN_REATTACH=%s=%d:%s" % (plugin.name, os.getpid(), socket), flush=True)
        while not done.wait(0.1):
            pass  # a signal that another thread takes doesn't wake this one
        server.stop(grace=0.1).wait(0.2)
    os._exit(0)  # threads of calls under way would be waited for


def main(plugin):
    """Serve the plugin, a class, to the nsrun that started this process; exit when it is done."""
    if sys.argv[1:] == ["describe"]:
        json.dump(plugin.descriptor(), sys.stdout, indent=2)
        print()
        sys.exit(0)
    if sys.argv[1:] == ["debug"]:
        _debug(plugin)
    if os.environ.get("NSRUN_PLUGIN") != COOKIE:
        _explain(plugin)
        sys.exit(2)
    _log()
    signal.signal(signal.SIGINT, lambda *_: None)  # [P-6]; SIG_IGN would be handed down to programs
    if os.environ.get("NSRUN_LIFELINE", "").isdigit():
        _watch_lifeline(int(os.environ["NSRUN_LIFELINE"]))
    # Standard output carries the handshake, and nothing else before it. [H-5]
    handshake = os.dup(1)
    os.set_inheritable(handshake, False)
    os.dup2(2, 1)
    done = threading.Event()
    socket = os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], "plugin")  # [H-3]
    server = _serve(Calls(plugin), socket, done)
    os.write(handshake, b"1|%d|unix|%s|grpc|\n" % (PROTOCOL, os.fsencode(socket)))  # [H-4]
    done.wait()
    server.stop(grace=0.1).wait(0.2)
    os._exit(0)  # threads of calls under way would be waited for
