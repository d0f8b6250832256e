package upstream

import (
	"testing"
	"testing/synctest"
	"time"
)

// pass waits in a bubble.
func pass(d time.Duration) { <-time.After(d) }

// calls lets calls through one after the other that end with o, and returns how many.
func calls(b *breaker, n int, o outcome) (admitted int) {
	for range n {
		if epoch, _, ok := b.enter(); ok {
			admitted++
			b.leave(epoch, o)
		}
	}
	return admitted
}

func TestHalfOfTenCallsInTenSecondsOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		if n := calls(b, 9, failed); n != 9 {
			t.Errorf("%d of 9 calls that failed were let through", n)
		}
		pass(11 * time.Second)
		calls(b, 6, answered)
		calls(b, 5, failed)
		if _, _, ok := b.enter(); !ok {
			t.Error("5 of 11 opened it")
		}
		calls(b, 1, failed)
		if _, refused := b.refuses(); !refused {
			t.Error("6 of 12 left it closed")
		}
	})
}

func TestWhatSaysNothingDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		if n := calls(b, 100, unknown); n != 100 {
			t.Errorf("%d of 100 were let through", n)
		}
		calls(b, 9, failed)
		if _, refused := b.refuses(); refused {
			t.Error("calls that were never made counted")
		}
	})
}

func TestACallThatHungOpensTheBreakerAtOnceAndForLongerEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		calls(b, 1000, answered)
		calls(b, 1, hung)
		for _, seconds := range []int{1, 2, 4, 8, 16, 30, 30} {
			rest := time.Duration(seconds) * time.Second
			if wait, refused := b.refuses(); !refused || wait != rest {
				t.Fatalf("refuses() = %v, %t, want %v", wait, refused, rest)
			}
			pass(rest - 1)
			if _, wait, ok := b.enter(); ok || wait != 1 {
				t.Fatalf("let through, or to come back in %v, just before %v were over", wait, rest)
			}
			pass(1)
			if n := calls(b, 1, hung); n != 1 {
				t.Fatalf("no trial after %v", rest)
			}
		}
		pass(lastRest)
		calls(b, 1, answered)
		if n := calls(b, 50, answered); n != 50 {
			t.Errorf("%d of 50 were let through after a trial that was answered", n)
		}
		calls(b, 1, hung)
		if wait, _ := b.refuses(); wait != firstRest {
			t.Errorf("the first rest afterwards is %v", wait)
		}
	})
}

func TestOneTrialIsMadeAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		calls(b, 1, hung)
		pass(firstRest)
		trial, _, ok := b.enter()
		if !ok {
			t.Fatal("no trial")
		}
		for range 3 {
			if _, wait, second := b.enter(); second || wait != firstRest {
				t.Errorf("a second trial, or to come back in %v", wait)
			}
			if wait, refused := b.refuses(); !refused || wait != firstRest {
				t.Errorf("refuses() = %v, %t during a trial", wait, refused)
			}
		}
		b.leave(trial, unknown) // it says nothing: the next caller tries
		if _, refused := b.refuses(); refused {
			t.Error("nobody may try again")
		}
		next, _, ok := b.enter()
		if !ok {
			t.Fatal("nobody may try again")
		}
		b.leave(next, failed)
		if wait, _ := b.refuses(); wait != 2*firstRest {
			t.Errorf("after a trial that failed it rests for %v", wait)
		}
	})
}

func TestCallsOfBeforeSayNothingAboutNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		var before []uint64
		for range 20 {
			epoch, _, _ := b.enter()
			before = append(before, epoch)
		}
		b.leave(before[0], hung)
		for _, epoch := range before[1:10] {
			b.leave(epoch, hung) // they hung at the same time: that is one hang
		}
		if wait, _ := b.refuses(); wait != firstRest {
			t.Errorf("ten calls that hung at once make it rest for %v", wait)
		}
		pass(firstRest)
		trial, _, _ := b.enter()
		b.leave(before[10], answered)
		b.leave(before[11], hung)
		b.leave(before[12], unknown)
		if !b.current(trial) {
			t.Error("the end of another call ended the trial")
		}
		b.leave(trial, answered)
		b.leave(before[13], hung)
		if n := calls(b, 1, answered); n != 1 {
			t.Error("a call that began long before opened it")
		}
	})
}
