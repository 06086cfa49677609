package smp

// Action is what the policy decides to do.
type Action string

const (
	Nothing         Action = "nothing"
	Encrypt         Action = "encrypt"
	Pair            Action = "pair"
	PairAgain       Action = "pair again"
	WaitAndRetry    Action = "wait and retry"
	RefuseAndReport Action = "refuse and report"
)

// Why is the reason for a Decision, a short phrase that a person can read.
type Why string

// Decision is what to do and why.
type Decision struct {
	Action Action
	Why    Why
}
