package v1alpha1

// LimitRange bounds each container, like a Kubernetes LimitRange of type Container.
//
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.defaultRequest) || !has(self.min.cpu) || !has(self.defaultRequest.cpu) || quantity(self.min.cpu).compareTo(quantity(self.defaultRequest.cpu)) <= 0",message="min.cpu must not be above defaultRequest.cpu"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.default) || !has(self.min.cpu) || !has(self.default.cpu) || quantity(self.min.cpu).compareTo(quantity(self.default.cpu)) <= 0",message="min.cpu must not be above default.cpu"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || !has(self.min.cpu) || !has(self.max.cpu) || quantity(self.min.cpu).compareTo(quantity(self.max.cpu)) <= 0",message="min.cpu must not be above max.cpu"
// +kubebuilder:validation:XValidation:rule="!has(self.defaultRequest) || !has(self.default) || !has(self.defaultRequest.cpu) || !has(self.default.cpu) || quantity(self.defaultRequest.cpu).compareTo(quantity(self.default.cpu)) <= 0",message="defaultRequest.cpu must not be above default.cpu"
// +kubebuilder:validation:XValidation:rule="!has(self.defaultRequest) || !has(self.max) || !has(self.defaultRequest.cpu) || !has(self.max.cpu) || quantity(self.defaultRequest.cpu).compareTo(quantity(self.max.cpu)) <= 0",message="defaultRequest.cpu must not be above max.cpu"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.max) || !has(self.default.cpu) || !has(self.max.cpu) || quantity(self.default.cpu).compareTo(quantity(self.max.cpu)) <= 0",message="default.cpu must not be above max.cpu"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.defaultRequest) || !has(self.min.memory) || !has(self.defaultRequest.memory) || quantity(self.min.memory).compareTo(quantity(self.defaultRequest.memory)) <= 0",message="min.memory must not be above defaultRequest.memory"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.default) || !has(self.min.memory) || !has(self.default.memory) || quantity(self.min.memory).compareTo(quantity(self.default.memory)) <= 0",message="min.memory must not be above default.memory"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || !has(self.min.memory) || !has(self.max.memory) || quantity(self.min.memory).compareTo(quantity(self.max.memory)) <= 0",message="min.memory must not be above max.memory"
// +kubebuilder:validation:XValidation:rule="!has(self.defaultRequest) || !has(self.default) || !has(self.defaultRequest.memory) || !has(self.default.memory) || quantity(self.defaultRequest.memory).compareTo(quantity(self.default.memory)) <= 0",message="defaultRequest.memory must not be above default.memory"
// +kubebuilder:validation:XValidation:rule="!has(self.defaultRequest) || !has(self.max) || !has(self.defaultRequest.memory) || !has(self.max.memory) || quantity(self.defaultRequest.memory).compareTo(quantity(self.max.memory)) <= 0",message="defaultRequest.memory must not be above max.memory"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.max) || !has(self.default.memory) || !has(self.max.memory) || quantity(self.default.memory).compareTo(quantity(self.max.memory)) <= 0",message="default.memory must not be above max.memory"
// +kubebuilder:validation:XValidation:rule="!has(self.maxLimitRequestRatio) || !has(self.min) || !has(self.max) || !has(self.maxLimitRequestRatio.cpu) || !has(self.min.cpu) || !has(self.max.cpu) || quantity(self.maxLimitRequestRatio.cpu).asApproximateFloat() * quantity(self.min.cpu).asApproximateFloat() <= quantity(self.max.cpu).asApproximateFloat()",message="maxLimitRequestRatio.cpu must not be above max.cpu divided by min.cpu: Kubernetes refuses it"
// +kubebuilder:validation:XValidation:rule="!has(self.maxLimitRequestRatio) || !has(self.defaultRequest) || !has(self.default) || !has(self.maxLimitRequestRatio.cpu) || !has(self.defaultRequest.cpu) || !has(self.default.cpu) || quantity(self.maxLimitRequestRatio.cpu).asApproximateFloat() * quantity(self.defaultRequest.cpu).asApproximateFloat() >= quantity(self.default.cpu).asApproximateFloat()",message="default.cpu must not be above defaultRequest.cpu times maxLimitRequestRatio.cpu: every container without resources would be refused"
// +kubebuilder:validation:XValidation:rule="!has(self.maxLimitRequestRatio) || !has(self.min) || !has(self.max) || !has(self.maxLimitRequestRatio.memory) || !has(self.min.memory) || !has(self.max.memory) || quantity(self.maxLimitRequestRatio.memory).asApproximateFloat() * quantity(self.min.memory).asApproximateFloat() <= quantity(self.max.memory).asApproximateFloat()",message="maxLimitRequestRatio.memory must not be above max.memory divided by min.memory: Kubernetes refuses it"
// +kubebuilder:validation:XValidation:rule="!has(self.maxLimitRequestRatio) || !has(self.defaultRequest) || !has(self.default) || !has(self.maxLimitRequestRatio.memory) || !has(self.defaultRequest.memory) || !has(self.default.memory) || quantity(self.maxLimitRequestRatio.memory).asApproximateFloat() * quantity(self.defaultRequest.memory).asApproximateFloat() >= quantity(self.default.memory).asApproximateFloat()",message="default.memory must not be above defaultRequest.memory times maxLimitRequestRatio.memory: every container without resources would be refused"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.defaultRequest) || !has(self.min.ephemeralStorage) || !has(self.defaultRequest.ephemeralStorage) || quantity(self.min.ephemeralStorage).compareTo(quantity(self.defaultRequest.ephemeralStorage)) <= 0",message="min.ephemeralStorage must not be above defaultRequest.ephemeralStorage"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.default) || !has(self.min.ephemeralStorage) || !has(self.default.ephemeralStorage) || quantity(self.min.ephemeralStorage).compareTo(quantity(self.default.ephemeralStorage)) <= 0",message="min.ephemeralStorage must not be above default.ephemeralStorage"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || !has(self.min.ephemeralStorage) || !has(self.max.ephemeralStorage) || quantity(self.min.ephemeralStorage).compareTo(quantity(self.max.ephemeralStorage)) <= 0",message="min.ephemeralStorage must not be above max.ephemeralStorage"
// +kubebuilder:validation:XValidation:rule="!has(self.defaultRequest) || !has(self.default) || !has(self.defaultRequest.ephemeralStorage) || !has(self.default.ephemeralStorage) || quantity(self.defaultRequest.ephemeralStorage).compareTo(quantity(self.default.ephemeralStorage)) <= 0",message="defaultRequest.ephemeralStorage must not be above default.ephemeralStorage"
// +kubebuilder:validation:XValidation:rule="!has(self.defaultRequest) || !has(self.max) || !has(self.defaultRequest.ephemeralStorage) || !has(self.max.ephemeralStorage) || quantity(self.defaultRequest.ephemeralStorage).compareTo(quantity(self.max.ephemeralStorage)) <= 0",message="defaultRequest.ephemeralStorage must not be above max.ephemeralStorage"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.max) || !has(self.default.ephemeralStorage) || !has(self.max.ephemeralStorage) || quantity(self.default.ephemeralStorage).compareTo(quantity(self.max.ephemeralStorage)) <= 0",message="default.ephemeralStorage must not be above max.ephemeralStorage"
// +kubebuilder:validation:XValidation:rule="!has(self.maxLimitRequestRatio) || !has(self.min) || !has(self.max) || !has(self.maxLimitRequestRatio.ephemeralStorage) || !has(self.min.ephemeralStorage) || !has(self.max.ephemeralStorage) || quantity(self.maxLimitRequestRatio.ephemeralStorage).asApproximateFloat() * quantity(self.min.ephemeralStorage).asApproximateFloat() <= quantity(self.max.ephemeralStorage).asApproximateFloat()",message="maxLimitRequestRatio.ephemeralStorage must not be above max.ephemeralStorage divided by min.ephemeralStorage: Kubernetes refuses it"
// +kubebuilder:validation:XValidation:rule="!has(self.maxLimitRequestRatio) || !has(self.defaultRequest) || !has(self.default) || !has(self.maxLimitRequestRatio.ephemeralStorage) || !has(self.defaultRequest.ephemeralStorage) || !has(self.default.ephemeralStorage) || quantity(self.maxLimitRequestRatio.ephemeralStorage).asApproximateFloat() * quantity(self.defaultRequest.ephemeralStorage).asApproximateFloat() >= quantity(self.default.ephemeralStorage).asApproximateFloat()",message="default.ephemeralStorage must not be above defaultRequest.ephemeralStorage times maxLimitRequestRatio.ephemeralStorage: every container without resources would be refused"
type LimitRange struct {
	// Default limits of a container that has none.
	Default ComputeResources `json:"default,omitzero"`
	// DefaultRequest is the request of a container that has none.
	DefaultRequest ComputeResources `json:"defaultRequest,omitzero"`
	// Min is the least that a container may request.
	Min ComputeResources `json:"min,omitzero"`
	// Max is the highest limit of a container.
	Max ComputeResources `json:"max,omitzero"`
	// MaxLimitRequestRatio is the highest ratio of a container's limit to its request, 1 or more. Containers must then
	// have both.
	// +kubebuilder:validation:XValidation:rule="!has(self.cpu) || quantity(self.cpu).compareTo(quantity('1')) >= 0",message="a ratio is 1 or more"
	// +kubebuilder:validation:XValidation:rule="!has(self.memory) || quantity(self.memory).compareTo(quantity('1')) >= 0",message="a ratio is 1 or more"
	// +kubebuilder:validation:XValidation:rule="!has(self.ephemeralStorage) || quantity(self.ephemeralStorage).compareTo(quantity('1')) >= 0",message="a ratio is 1 or more"
	MaxLimitRequestRatio ComputeResources `json:"maxLimitRequestRatio,omitzero"`
}

// ComputeResources are amounts of CPU, memory and local ephemeral storage.
type ComputeResources struct {
	CPU              Quantity `json:"cpu,omitempty"`
	Memory           Quantity `json:"memory,omitempty"`
	EphemeralStorage Quantity `json:"ephemeralStorage,omitempty"`
}
