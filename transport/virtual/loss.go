package virtual

// SetLoss makes that part of what the controller sends, and of what is sent to it, get lost from now on: 0 to 1, none to
// all. It has no effect where AirConfig.Loss is more.
func (c *Controller) SetLoss(part float64) {
	c.air.enter()
	defer c.air.leave()
	c.fault.loss = part
	for _, e := range c.ends {
		e.link.schedule()
	}
}

// loss is the part of a link's packets that get lost.
func (l *link) loss() float64 { return l.air.loss(l.central.c, l.peripheral.c) }

// loses tells whether the link's next packet gets lost.
func (l *link) loses() bool { return l.air.loses(l.central.c, l.peripheral.c) }

func (a *Air) loss(x, y *Controller) float64 { return max(a.config.Loss, x.fault.loss, y.fault.loss) }

// loses tells whether the next packet between the two gets lost. Where none is, chance is not asked.
func (a *Air) loses(x, y *Controller) bool {
	part := a.loss(x, y)
	return part > 0 && a.random.Float64() < part
}
