package workspace

import (
	"math"
	"math/big"

	"k8s.io/apimachinery/pkg/api/resource"

	"platform.company.com/workspace-flyte-integration/api/v1alpha1"
)

// SharesQuota reports whether all namespaces of a workspace on the tier share one quota.
func SharesQuota(tier *v1alpha1.WorkspaceTier) bool {
	return tier.Spec.QuotaScope == v1alpha1.QuotaScopeWorkspace
}

// NamespaceQuota returns the quota of a workspace in the namespace of a Flyte domain: [EffectiveQuota], or, if the domains share one
// quota, the domain's share of it. domains are those that have a namespace of their own, in their order.
func NamespaceQuota(
	q v1alpha1.Quota, tier *v1alpha1.WorkspaceTier, domain string, domains []string,
) (amounts map[string]resource.Quantity, clamped []string) {
	if !SharesQuota(tier) {
		amounts, clamped = EffectiveQuota(q, tier, domain)
		leaveRoomForObjects(amounts, tier, 1)
		return amounts, clamped
	}
	amounts, clamped = EffectiveQuota(q, tier, "")
	leaveRoomForObjects(amounts, tier, max(1, len(domains)))
	return Share(amounts, tier, domain, domains), clamped
}

// Share returns a domain's share of amounts that all domains share by the weights of the tier. The shares of all domains together
// are the amounts.
func Share(
	amounts map[string]resource.Quantity, tier *v1alpha1.WorkspaceTier, domain string, domains []string,
) map[string]resource.Quantity {
	if domain == "" {
		return amounts
	}
	shares := make(map[string]resource.Quantity, len(amounts))
	for key, amount := range amounts {
		shares[key] = newSplit(key, amount, tier, domains).share(domain)
	}
	return shares
}

// split divides one amount among domains, in whole units: thousandths of a core, and whole numbers of everything else.
type split struct {
	format resource.Format
	// units is the amount beyond the least of each domain.
	units, least *big.Int
	// perOne is how many units are 1.
	perOne  int64
	weights map[string]int64
	domains []string
}

func newSplit(key string, amount resource.Quantity, tier *v1alpha1.WorkspaceTier, domains []string) *split {
	s := &split{format: amount.Format, perOne: 1, weights: map[string]int64{}, domains: domains, least: new(big.Int)}
	if key == "cpu" {
		s.perOne = 1000
	}
	s.units = wholeUnits(amount, s.perOne)
	for _, domain := range domains {
		s.weights[domain] = 1
		if share := tier.Spec.Domains[domain].Share; share != nil {
			s.weights[domain] = int64(*share)
		}
	}
	least := big.NewInt(leastCount(key, tier))
	reserved := new(big.Int).Mul(least, big.NewInt(int64(len(domains))))
	if s.units.Cmp(reserved) >= 0 {
		s.least = least
		s.units.Sub(s.units, reserved)
	}
	return s
}

// wholeUnits rounds an amount down to units, and lowers it to what 64 bits hold.
func wholeUnits(amount resource.Quantity, perOne int64) *big.Int {
	exact, ok := new(big.Rat).SetString(amount.AsDec().String())
	if !ok {
		panic("a quantity is a decimal number")
	}
	exact.Mul(exact, big.NewRat(perOne, 1))
	units := new(big.Int).Div(exact.Num(), exact.Denom())
	if !units.IsInt64() {
		return big.NewInt(math.MaxInt64)
	}
	return units
}

// share is the amount between two points: the parts of all domains up to this one, with and without it. So no unit is lost, and
// none is given twice.
func (s *split) share(domain string) resource.Quantity {
	var before, total int64
	for _, d := range s.domains {
		total += s.weights[d]
	}
	for _, d := range s.domains {
		if d == domain {
			break
		}
		before += s.weights[d]
	}
	units := new(big.Int).Sub(s.part(before+s.weights[domain], total), s.part(before, total))
	return s.quantity(units.Add(units, s.least))
}

// part is the amount that this many of all weights get, rounded down.
func (s *split) part(weights, total int64) *big.Int {
	if total == 0 {
		return new(big.Int)
	}
	part := new(big.Int).Mul(s.units, big.NewInt(weights))
	return part.Div(part, big.NewInt(total))
}

func (s *split) quantity(units *big.Int) resource.Quantity {
	if s.perOne == 1000 {
		return *resource.NewMilliQuantity(units.Int64(), s.format)
	}
	return *resource.NewQuantity(units.Int64(), s.format)
}
