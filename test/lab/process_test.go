//go:build lab

package lab

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that another process does. The machine is emulated: what takes
// a millisecond elsewhere may take fifty.
const patience = 30 * time.Second

// A process is a running program, the lines of its standard output, and a log of all its output.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	read  int  // how many lines next has handed out
	stays bool // it must not end before the test does
	gone  chan struct{}

	mu    sync.Mutex // guards what follows
	lines []string
	errs  []string
	over  bool
	news  chan struct{} // closed and replaced at every change
}

// start runs a program until it ends or the test does. The log goes to LAB_OUT, under the test's name.
func start(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: cmd, gone: make(chan struct{}), news: make(chan struct{})}
	log, err := os.OpenFile(output(t, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(log, "$", strings.Join(cmd.Args, " "))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	var readers sync.WaitGroup
	for r, to := range map[io.Reader]*[]string{stdout: &p.lines, stderr: &p.errs} {
		readers.Go(func() {
			for s := bufio.NewScanner(r); s.Scan(); {
				p.change(func() {
					*to = append(*to, s.Text())
					fmt.Fprintln(log, s.Text())
				})
			}
		})
	}
	go func() {
		readers.Wait()
		_ = cmd.Wait() // its error is in ProcessState
		p.change(func() {
			p.over = true
			fmt.Fprintln(log, "ended:", cmd.ProcessState)
			log.Close()
		})
		close(p.gone)
	}()
	t.Cleanup(func() {
		if state, over := p.ended(); over && p.stays {
			t.Errorf("%s ended by itself: %v", name, state)
		}
		tail := p.tail()
		p.stop()
		if t.Failed() {
			t.Logf("%s said last:\n%s", name, tail)
		}
	})
	return p
}

// stop ends the program, if it has not ended, and waits for its end.
func (p *process) stop() {
	p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.gone:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
}

func (p *process) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.news)
	p.news = make(chan struct{})
}

// await returns once done does, which is asked at every change of the process, with its lock held.
func (p *process) await(what string, done func() bool) {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		p.mu.Lock()
		ok, over, news := done(), p.over, p.news
		p.mu.Unlock()
		switch {
		case ok:
			return
		case over:
			p.t.Fatalf("%s ended (%v) while %s was awaited", p.name, p.cmd.ProcessState, what)
		}
		select {
		case <-news:
		case <-deadline:
			p.t.Fatalf("%s: no %s within %v", p.name, what, patience)
		}
	}
}

// next returns the next line of standard output, waiting for it. It is false once the program has ended
// and everything was read.
func (p *process) next() (line string, ok bool) {
	p.t.Helper()
	p.await("next line", func() bool {
		if p.read < len(p.lines) {
			line, ok = p.lines[p.read], true
			p.read++
		}
		return ok || p.over
	})
	return line, ok
}

// status waits for the end of the program and returns its exit status.
func (p *process) status() int {
	p.t.Helper()
	p.await("end", func() bool { return p.over })
	return p.cmd.ProcessState.ExitCode()
}

// ended returns how the program ended, if it did.
func (p *process) ended() (*os.ProcessState, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.ProcessState, p.over
}

// stderr returns what the program wrote to standard error so far.
func (p *process) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.errs, "\n")
}

// tell writes a line to the program's standard input.
func (p *process) tell(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		p.t.Fatalf("tell %s %q: %v", p.name, line, err)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %s: %v", p.name, err)
	}
}

// tail returns the last lines of all output.
func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	const n = 25
	last := func(lines []string) string { return strings.Join(lines[max(0, len(lines)-n):], "\n") }
	return last(p.lines) + "\n--- standard error\n" + last(p.errs)
}

// run runs a program to its end and returns its output; it has to succeed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	stdin, err := cmd.StdinPipe() // btmgmt gives up on an input that has ended
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// until asks done again and again, for what no process tells.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %v", what, patience)
		}
	}
}

// output returns the path of a file of this test below LAB_OUT.
func output(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(os.Getenv("LAB_OUT"), filepath.FromSlash(t.Name()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}
