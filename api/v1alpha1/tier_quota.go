package v1alpha1

// TierQuota is a tier's default and maximum quota.
//
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.cpu) || !has(self.maximum.cpu) || quantity(self.default.cpu).compareTo(quantity(self.maximum.cpu)) <= 0",message="default.cpu must not be above maximum.cpu"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.memory) || !has(self.maximum.memory) || quantity(self.default.memory).compareTo(quantity(self.maximum.memory)) <= 0",message="default.memory must not be above maximum.memory"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.gpu) || !has(self.maximum.gpu) || quantity(self.default.gpu).compareTo(quantity(self.maximum.gpu)) <= 0",message="default.gpu must not be above maximum.gpu"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.storage) || !has(self.maximum.storage) || quantity(self.default.storage).compareTo(quantity(self.maximum.storage)) <= 0",message="default.storage must not be above maximum.storage"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.pods) || !has(self.maximum.pods) || quantity(self.default.pods).compareTo(quantity(self.maximum.pods)) <= 0",message="default.pods must not be above maximum.pods"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.services) || !has(self.maximum.services) || quantity(self.default.services).compareTo(quantity(self.maximum.services)) <= 0",message="default.services must not be above maximum.services"
// +kubebuilder:validation:XValidation:rule="!has(self.default) || !has(self.maximum) || !has(self.default.persistentVolumeClaims) || !has(self.maximum.persistentVolumeClaims) || quantity(self.default.persistentVolumeClaims).compareTo(quantity(self.maximum.persistentVolumeClaims)) <= 0",message="default.persistentVolumeClaims must not be above maximum.persistentVolumeClaims"
type TierQuota struct {
	// Default holds where a workspace asks for nothing.
	// +optional
	Default TierAmounts `json:"default,omitzero"`
	// Maximum bounds what a workspace may ask for. An empty field is no bound.
	// +optional
	Maximum TierAmounts `json:"maximum,omitzero"`
}

// TierAmounts are a quota, and numbers of objects that a workspace can't ask for itself.
type TierAmounts struct {
	Quota `json:",inline"`
	// Services of the namespace.
	// +optional
	Services Count `json:"services,omitempty"`
	// PersistentVolumeClaims of the namespace.
	// +optional
	PersistentVolumeClaims Count `json:"persistentVolumeClaims,omitempty"`
}

// TierDomain is what is different in the namespace of one Flyte domain.
type TierDomain struct {
	// Quota overrides the tier's, key by key. A maximum above the tier's own changes nothing.
	// +optional
	Quota TierQuota `json:"quota,omitzero"`
}
