package node

import "testing"

// TestNode tells the stories on one cluster. The first ones run at the same time; those that disturb the others follow one by one.
func TestNode(t *testing.T) {
	t.Run("undisturbed", func(t *testing.T) {
		t.Run("installed", installed)
		t.Run("flows", tableOfFlows)
		t.Run("openings", openingsOfATier)
		t.Run("tiers", podsOfTheChartsTiers)
		t.Run("frameworks", frameworkPods)
		t.Run("memory", podAboveItsMemoryLimitIsKilled)
		t.Run("disk", podThatFillsTheDiskIsEvicted)
		t.Run("suspension", suspension)
		t.Run("token", tokenOfWorkloads)
		t.Run("deployed pods", deployedPods)
		t.Run("operator", operatorsCommands)
		t.Run("rotation", secretRotation)
		t.Run("nothing left", nothingLeft)
	})
	t.Run("leader killed", leaderKilled)
	t.Run("drained", drained)
	t.Run("upgrade under load", upgradeUnderLoad)
	t.Run("scarce memory", scarceMemory)
}
