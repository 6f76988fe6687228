// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/utils"
	"github.com/containernetworking/cni/pkg/version"
)

// conflist is the configuration of one CNI network: the plugins to call, in
// order. A single-plugin configuration (.conf) becomes a list of one.
type conflist struct {
	// file is where it comes from; "" for the default network.
	file string
	// text is the configuration as it was read.
	text []byte
	// list is the configuration with all its plugins in it, as libcni wants it.
	list *libcni.NetworkConfigList
}

// fault is something wrong in a configuration: where, and what.
type fault struct {
	file string
	line int
	key  string // the path of the key, "" for the whole file
	err  error
	hint string
}

// Error returns FILE:LINE: KEY: what.
func (f *fault) Error() string {
	where := f.file
	if f.line > 0 {
		where = fmt.Sprintf("%s:%d", f.file, f.line)
	}
	if f.key != "" {
		where += ": " + f.key
	}
	return where + ": " + f.err.Error()
}

func (f *fault) Unwrap() error { return f.err }

// readConflist reads the configuration in a file. The faults returned are all
// that are in it; with one or more of them the conflist is nil.
func readConflist(file string) (*conflist, []*fault) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, []*fault{{file: file, err: errors.Unwrap(err)}}
	}
	return parseConflist(file, text)
}

// parseConflist reads the configuration in text. See readConflist.
func parseConflist(file string, text []byte) (*conflist, []*fault) {
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, []*fault{syntaxFault(file, text, err)}
	}
	c := checker{file: file, lines: findKeys(text)}
	raw = asList(raw, &c)
	c.list(raw)
	if len(c.faults) == 0 {
		c.addFolder(raw)
	}
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	list, err := normalise(raw)
	if err != nil {
		return nil, []*fault{{file: file, err: err}}
	}
	return &conflist{file: file, text: text, list: list}, nil
}

// syntaxFault says where a JSON text is broken.
func syntaxFault(file string, text []byte, err error) *fault {
	f := &fault{file: file, line: 1, err: err}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		f.line = lineAt(text, syntax.Offset)
	case errors.As(err, &kind):
		f.err = fmt.Errorf("a network is a JSON object, and no %s", kind.Value)
	}
	return f
}

// asList turns the older form, one plugin without a list, into a list of one.
func asList(raw map[string]any, c *checker) map[string]any {
	if _, isPlugin := raw["type"]; !isPlugin || raw["plugins"] != nil {
		return raw
	}
	c.single = true
	list := map[string]any{"plugins": []any{raw}}
	for _, key := range []string{"name", "cniVersion"} {
		if v, ok := raw[key]; ok {
			list[key] = v
		}
	}
	return list
}

// normalise makes libcni's form of a list that was checked.
func normalise(raw map[string]any) (*libcni.NetworkConfigList, error) {
	delete(raw, "loadOnlyInlinedPlugins")
	text, err := json.Marshal(raw)
	if err != nil {
		return nil, err
	}
	return libcni.NetworkConfFromBytes(text)
}

// pluginType is what the type of a CNI plugin can be: a file name. A path in it
// would run any program as root (CVE-2021-20206).
var pluginType = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$`)

// checker collects what is wrong in a list.
type checker struct {
	file   string
	lines  keyLines
	single bool // the file holds one plugin and no list
	faults []*fault
}

// add notes a fault of the key at path.
func (c *checker) add(path string, err error) {
	if c.single {
		path = strings.TrimPrefix(strings.TrimPrefix(path, "plugins[0]"), ".")
	}
	c.faults = append(c.faults, &fault{file: c.file, line: c.line(path), key: path, err: err})
}

// line returns the line of the key at path, or of the nearest one round it.
func (c *checker) line(path string) int {
	for {
		if n, ok := c.lines[path]; ok {
			return n
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return c.lines[""]
		}
		path = path[:cut]
	}
}

// list checks the keys that stand in the list itself.
func (c *checker) list(raw map[string]any) {
	c.name(raw["name"])
	c.version("cniVersion", raw["cniVersion"])
	for _, key := range []string{"disableCheck", "disableGC", "loadOnlyInlinedPlugins"} {
		c.flag(key, raw[key])
	}
	plugins, ok := raw["plugins"].([]any)
	switch {
	case raw["plugins"] != nil && !ok:
		c.add("plugins", errors.New("must be an array of plugins"))
	case ok && len(plugins) == 0:
		c.add("plugins", errors.New("must hold one plugin at least"))
	}
	for i, p := range plugins {
		c.plugin(fmt.Sprintf("plugins[%d]", i), p)
	}
}

func (c *checker) name(raw any) {
	name, ok := raw.(string)
	switch {
	case raw == nil || name == "" && ok:
		c.add("name", errors.New("missing; a network needs a name"))
	case !ok:
		c.add("name", errors.New("must be a string"))
	case utils.ValidateNetworkName(name) != nil:
		c.add("name", fmt.Errorf("%q may hold letters, digits, '_', '.' and '-' only, and must begin with a letter or digit", name))
	}
}

// version checks a version of the CNI specification; without one it is 0.1.0.
func (c *checker) version(path string, raw any) {
	if raw == nil {
		return
	}
	known := version.All.SupportedVersions()
	if v, ok := raw.(string); !ok || !slices.Contains(known, v) {
		c.add(path, fmt.Errorf("%v is no version that nsrun knows: %s", raw, strings.Join(known, ", ")))
	}
}

// flag checks a key that libcni takes as true or false, also in quotes.
func (c *checker) flag(path string, raw any) {
	switch v := raw.(type) {
	case nil, bool:
		return
	case string:
		if strings.EqualFold(v, "true") || strings.EqualFold(v, "false") {
			return
		}
	}
	c.add(path, errors.New("must be true or false"))
}

// plugin checks the configuration of one plugin in the list.
func (c *checker) plugin(path string, raw any) {
	p, ok := raw.(map[string]any)
	if !ok {
		c.add(path, errors.New("must be an object"))
		return
	}
	c.pluginType(path+".type", p["type"])
	c.capabilities(path+".capabilities", p["capabilities"])
	switch ipam := p["ipam"].(type) {
	case nil:
	case map[string]any:
		if len(ipam) > 0 {
			c.pluginType(path+".ipam.type", ipam["type"])
		}
	default:
		c.add(path+".ipam", errors.New("must be an object"))
	}
	if _, ok := p["dns"].(map[string]any); p["dns"] != nil && !ok {
		c.add(path+".dns", errors.New("must be an object"))
	}
}

func (c *checker) pluginType(path string, raw any) {
	name, ok := raw.(string)
	switch {
	case raw == nil || name == "" && ok:
		c.add(path, errors.New("missing; it names the CNI plugin to run"))
	case !ok:
		c.add(path, errors.New("must be a string"))
	case !pluginType.MatchString(name):
		c.add(path, fmt.Errorf("%q is no file name; a CNI plugin is named, never given by path", name))
	}
}

func (c *checker) capabilities(path string, raw any) {
	caps, ok := raw.(map[string]any)
	if raw != nil && !ok {
		c.add(path, errors.New("must be an object"))
	}
	for name, on := range caps {
		if _, ok := on.(bool); !ok {
			c.add(path+"."+name, errors.New("must be true or false"))
		}
	}
}

// addFolder adds the plugins that stand in files of their own, in a folder with
// the network's name beside the list, unless the list says that it is whole.
func (c *checker) addFolder(raw map[string]any) {
	plugins, _ := raw["plugins"].([]any)
	if inline, _ := raw["loadOnlyInlinedPlugins"].(bool); !inline && !c.single {
		folder := filepath.Join(filepath.Dir(c.file), raw["name"].(string))
		files, _ := filepath.Glob(filepath.Join(folder, "*.conf"))
		for _, file := range files {
			plugins = append(plugins, c.fromFile(file))
		}
	}
	if len(plugins) == 0 {
		c.add("plugins", errors.New("missing; it lists the CNI plugins to run"))
	}
	raw["plugins"] = plugins
}

// fromFile reads one plugin's configuration from a file.
func (c *checker) fromFile(file string) any {
	text, err := os.ReadFile(file)
	if err != nil {
		c.faults = append(c.faults, &fault{file: file, err: errors.Unwrap(err)})
		return nil
	}
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		c.faults = append(c.faults, syntaxFault(file, text, err))
		return nil
	}
	inner := checker{file: file, lines: findKeys(text), single: true}
	inner.plugin("plugins[0]", raw)
	c.faults = append(c.faults, inner.faults...)
	return raw
}
