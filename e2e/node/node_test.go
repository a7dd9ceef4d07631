package node

import "testing"

// TestNode tells the stories on one cluster. The first ones run at the same time; those that disturb the others follow one by one.
func TestNode(t *testing.T) {
	t.Run("undisturbed", func(t *testing.T) {
		for name, story := range map[string]func(*testing.T){
			"installed": installed, "flows": tableOfFlows, "openings": openingsOfATier, "tiers": podsOfTheChartsTiers, "suspension": suspension,
			"memory": podAboveItsMemoryLimitIsKilled, "token": tokenOfWorkloads, "rotation": secretRotation,
			"nothing left": nothingLeft, "frameworks": frameworkPods, "disk": podThatFillsTheDiskIsEvicted,
		} {
			t.Run(name, story)
		}
	})
	t.Run("leader killed", leaderKilled)
	t.Run("drained", drained)
	t.Run("upgrade under load", upgradeUnderLoad)
}
