// SPDX-License-Identifier: Apache-2.0

package nsnet

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nsrun/nsrun/nsplugin"
)

// BandwidthOption is the option --bandwidth.
type BandwidthOption struct {
	Bandwidth []string `option:"bandwidth" args:"[in=|out=]RATE" help:"most that the sandbox receives (in) or sends (out) per second: 10mbit"`
}

// Bandwidth is how much a sandbox may receive and send, in bits per second; 0 is
// without limit.
type Bandwidth struct {
	In, Out uint64
}

// Limits reads the option. A rate without in= or out= holds for both directions.
// The error joins a diagnostic for each value that is none.
func (o BandwidthOption) Limits() (Bandwidth, error) {
	var b Bandwidth
	var errs []error
	for _, text := range o.Bandwidth {
		if err := b.set(text); err != nil {
			errs = append(errs, nsplugin.Errorf("bandwidth %s: %w", text, err).WithOption("bandwidth").
				WithHint("--bandwidth [in=|out=]RATE in bit, kbit, mbit or gbit: --bandwidth out=2.5mbit"))
		}
	}
	return b, errors.Join(errs...)
}

func (b *Bandwidth) set(text string) error {
	direction, rate, found := strings.Cut(text, "=")
	if !found {
		direction, rate = "", text
	}
	bits, err := parseRate(rate)
	if err != nil {
		return err
	}
	switch direction {
	case "":
		return errors.Join(setOnce(&b.In, bits, "in"), setOnce(&b.Out, bits, "out"))
	case "in":
		return setOnce(&b.In, bits, "in")
	case "out":
		return setOnce(&b.Out, bits, "out")
	}
	return fmt.Errorf("%q is neither in nor out", direction)
}

func setOnce(target *uint64, bits uint64, name string) error {
	if *target != 0 {
		return fmt.Errorf("%s is limited already", name)
	}
	*target = bits
	return nil
}

// rateUnits are the units of tc(8) that count bits. Those that count bytes (kbps,
// mbps) are left out, since half of the people take them for bits.
var rateUnits = []struct {
	suffix string
	bits   float64
}{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {"bit", 1}}

// The limits of a rate: below a byte in a millisecond nothing works, and tc(8)'s
// token bucket counts bytes per second in 64 bits.
const (
	minRate = 8000
	maxRate = 1e12
)

// parseRate reads a rate in bits per second.
func parseRate(text string) (uint64, error) {
	for _, unit := range rateUnits {
		number, found := strings.CutSuffix(strings.ToLower(text), unit.suffix)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || strings.Trim(number, "0123456789.") != "" {
			return 0, fmt.Errorf("%q is no number", number)
		}
		if rate := n * unit.bits; rate >= minRate && rate <= maxRate {
			return uint64(rate), nil
		}
		return 0, errors.New("must be 8kbit to 1000gbit")
	}
	return 0, errors.New("no unit")
}

// Burst returns how many bytes may pass at once at a rate in bits per second: what
// comes in 10 ms, for a kernel whose timer ticks as rarely as that, and 64 KiB at
// least, the largest packet that the kernel hands to an interface as one; tc-tbf(8).
func Burst(rate uint64) uint32 {
	const ticks, least = 100, 64 << 10
	return uint32(max(rate/8/ticks, least))
}
