// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"github.com/nsrun/nsrun/core/stage/machine"
	"github.com/nsrun/nsrun/core/stage/program"
)

// survivor is a process that waits for the death of this one, and then goes on with
// its program: what comes after [program.Outlive] there.
type survivor struct{ process *machine.Process }

// startSurvivor starts a survivor with its program.
func startSurvivor(vigil *program.Program) (*survivor, error) {
	p, err := machine.CloneSurvivor()
	if err != nil {
		return nil, err
	}
	s := &survivor{p}
	if err := p.Load(vigil); err != nil {
		p.Kill()
		s.end()
		return nil, err
	}
	return s, nil
}

// dismiss ends the survivor, for which there is nothing left to do, and waits for its
// end, so that it doesn't remain as a zombie. There may be none.
func (s *survivor) dismiss() {
	if s != nil {
		s.process.Proceed()
		s.end()
	}
}

func (s *survivor) end() {
	_, _ = s.process.Wait()
	s.process.Close()
}
