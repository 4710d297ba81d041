package rules

// table has all rules, sorted by code.
var table = []*Rule{
	ignoreRule,
	// References.
	serviceSelects, targetPort, routeService, routePort, scalerTarget, podReference, missingKey, budgetSelects, otherReference, gatewayListener,
	// Hosts.
	claimedTwice, claimedElsewhere, shadowed, notAllowed,
	// The AWS Load Balancer Controller.
	groupAgreement, albValues, albNames, instanceTarget, fixedQuota, adjustableQuota, conditionQuota, exposed,
	// Pods and what scales them.
	envTwice, probePort, gracePeriod, blockedDrain, twoBudgets, replicasTwice, scaledTwice, missingRequest, immutable, noNodes, badImage, looseImage, longName, duration, rootUser, notHeadless,
	matchLabelKeys,
	// Secrets.
	clearSecret, credential, clearVariable,
}
