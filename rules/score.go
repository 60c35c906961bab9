package rules

import (
	"math"
	"strconv"
)

// micro is how many parts a nat (a unit of natural log-odds) has: log-odds are summed as integers, so that no order of
// summation and no fused multiply-add can reach an output.
const micro = 1e6

// strengths are the likelihood ratios of the words of weight: and clears: (contract §4).
var strengths = map[string]float64{"weak": 3, "moderate": 10, "strong": 100, "very strong": 800}

var strengthNames = names(StrengthWords)

// round9 rounds to 1e-9, which is what results of Exp, Log and Sqrt must be before use: their last bits differ between
// machines.
func round9(x float64) float64 {
	if math.Abs(x) > 1e6 {
		return x // 1e-9 is below the last bit
	}
	return math.Round(float64(x*1e9)) / 1e9
}

func number9(x float64) string { return strconv.FormatFloat(round9(x), 'g', -1, 64) }

// nats is x times a log-odds in micro-nats.
func nats(ln, x float64) int64 { return int64(math.Round(float64(float64(ln*x) * micro))) }

// logit is the log-odds of a probability in (0, 1), in micro-nats.
func logit(p float64) int64 { return nats(round9(math.Log(p/(1-p))), 1) }

// sigmoid is the probability of log-odds in micro-nats, rounded to 1e-9.
func sigmoid(sum int64) float64 {
	e := round9(math.Exp(-math.Abs(float64(sum) / micro)))
	if sum < 0 {
		return round9(e / (1 + e))
	}
	return round9(1 / (1 + e))
}

// decayed is log-odds after so many ns of halving each half-life.
func decayed(value, age, halfLife int64) int64 {
	if age <= 0 {
		return value
	}
	return int64(math.Round(float64(float64(value) * round9(math.Exp2(-float64(age)/float64(halfLife))))))
}

// quality is a probability as evidence uses it: 0–1, never NaN.
func quality(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	return round9(min(x, 1))
}
