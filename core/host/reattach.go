// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/nsrun/nsrun/core/find"
	"github.com/nsrun/nsrun/internal/wire"
	"github.com/nsrun/nsrun/ns"
)

// ReattachEnv names the environment variable that holds plugins which run
// already, under a debugger, as NAME=PID:SOCKET with commas between. "PLUGIN
// debug" prints it.
const ReattachEnv = "NSRUN_REATTACH"

// Reattach is a plugin process that runs already.
type Reattach struct {
	PID    int
	Socket string
}

// ParseReattach reads the value of [ReattachEnv], by the plugins' names.
func ParseReattach(value string) (map[string]Reattach, error) {
	if value == "" {
		return nil, nil
	}
	all := map[string]Reattach{}
	for entry := range strings.SplitSeq(value, ",") {
		name, at, _ := strings.Cut(entry, "=")
		pidText, socket, _ := strings.Cut(at, ":")
		pid, err := strconv.Atoi(pidText)
		if err != nil || pid <= 0 || !ns.ValidName(name) || !filepath.IsAbs(socket) {
			return nil, &ns.Diagnostic{
				Summary: fmt.Sprintf("read %s: %q is not NAME=PID:SOCKET", ReattachEnv, entry),
				Hint:    "nsrun-plugin-NAME debug prints what to set"}
		}
		all[name] = Reattach{PID: pid, Socket: socket}
	}
	return all, nil
}

// debugPatience is how long a call to a plugin under a debugger may take.
const debugPatience = time.Hour

// newReattached returns an instance of a process that runs already, and that
// isn't stopped when the instance ends. That it is the process it is said to be,
// of the caller, is checked when it is dialled.
func newReattached(p find.Plugin, at Reattach, log *slog.Logger) *instance {
	i := newInstanceOf(p, log)
	i.socket, i.peer = at.Socket, at.PID
	i.hasForked()
	defer close(i.ready)
	conn, err := grpc.NewClient("unix:"+at.Socket, append(i.dialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		i.err = i.diagnose(err)
		return i
	}
	i.client, i.conn = wire.NewClient(conn), conn
	i.log.Debug("plugin attached", "pid", at.PID)
	return i
}

// closeConn closes the connection to a process that runs on.
func closeConn(conn io.Closer) {
	if conn != nil {
		_ = conn.Close()
	}
}
